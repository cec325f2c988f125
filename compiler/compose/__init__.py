"""Compose files: YAML documents, loaded together as one project, whose services with a build become targets.

`load` is the way in. The stages, in order, each a module:

    document (with scalars)       text to nodes that know where they stand
    interpolate (with template)   variables, and the casts after them
    model                         files, includes and extends to one model, by way of
      resets, extends, merge, canonical (with shortforms), paths
    schema, decode, project       what a build uses of it: checked, then understood
    consistency                   what services and secrets say about each other
    targets (with values, xbake)  services to target definitions

`dotenv` reads `.env` files, also for the caller.
"""
