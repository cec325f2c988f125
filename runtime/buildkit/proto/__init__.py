"""Generated message classes (`scripts/protos`): only the messages and fields that the runtime uses."""
