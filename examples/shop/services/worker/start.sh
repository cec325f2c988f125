echo "worker $VERSION ($LOG_LEVEL): waiting for $QUEUES"
