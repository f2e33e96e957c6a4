"""`python -m hftransfer` is the same program as `hftransfer`."""

from .cli import main

main()
