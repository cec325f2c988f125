"""Compose files: YAML documents, loaded together as one project, whose services with a build become targets.

`load` is the way in. The stages, in order: `document` (text to nodes), `interpolate` (with `template`), `model`
(with `merge`, `canonical` and `paths`: files, includes and extends to one model), `schema`, `project` (checks
between services), `targets` (services to target definitions).
"""
