"""A stand-in for the Hugging Face Hub on loopback, which the real client talks to.

The shapes of its answers come from the client's own source. Repositories live in
memory, files in a folder; `python -m tests.hub --help` starts one by hand. A further
part of the Hub (Spaces, Jobs, sign-in) is a file with its own `routes`, named in
`server.PARTS`.
"""
