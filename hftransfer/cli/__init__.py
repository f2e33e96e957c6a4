"""The shell's door: commands, exit codes, JSON on standard output and nothing else there.

Heavy imports stand inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from ..errors import HFTransferError, OutputError, RecipeError
from ..home import home
from .commands import cli
from .options import say

DONE, OURS, THEIRS, STOPPED = 0, 1, 2, 130
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code."""
    # Waiting threads that sleep cost nothing alone, and much less beside other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as Ctrl-C does
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words, as_json="--json" in words))


def _run(words: list[str], *, as_json: bool) -> int:
    """The one place where errors become messages and exit codes."""
    try:
        cli.main(args=words, prog_name="hftransfer", standalone_mode=False)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (KeyboardInterrupt, click.Abort):
        return _fail(HFTransferError("stopped by the user"), as_json, STOPPED)
    except click.ClickException as error:
        return _fail(_usage(error), as_json, THEIRS)
    except HFTransferError as error:
        return _fail(error, as_json, THEIRS)
    except OSError as error:
        return _our_fault(as_json) if error.errno not in DISK else _fail(_disk(error), as_json, THEIRS)
    except Exception:
        return _our_fault(as_json)
    return DONE


def _fail(error: HFTransferError, as_json: bool, code: int) -> int:
    say(f"hftransfer: {error}", err=True)
    if as_json:
        say(json.dumps({"error": error.to_json()}, ensure_ascii=False))
    return code


def _usage(error: click.ClickException) -> HFTransferError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "hftransfer"
    return RecipeError(error.format_message(), place=path, fix=f"see `{path} --help`")


def _disk(error: OSError) -> HFTransferError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    fix = "free some space" if full else "choose a place that can be written"
    return OutputError(f"the disk refuses: {error.strerror or error}", place=str(error.filename or "the disk"), fix=fix)


def _our_fault(as_json: bool) -> int:
    """Tell it without the data that the error may hold; the whole story goes to a file."""
    kind = type(sys.exc_info()[1]).__name__
    try:
        log = home("logs") / "fault.log"
        log.write_text(traceback.format_exc(), encoding="utf-8")
    except (HFTransferError, OSError):
        log = Path("nowhere: the log cannot be written")
    return _fail(
        Fault(f"a fault of ours ({kind})", place=str(log), fix="please report it with that file"), as_json, OURS
    )


class Fault(HFTransferError):
    """Something that a user cannot set right."""
