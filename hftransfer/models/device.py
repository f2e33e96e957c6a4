"""What the machine can do, asked of the machine: device, precision, memory format."""

from __future__ import annotations

import ctypes
import functools
import platform
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import torch

from ..errors import RecipeError
from ..recipe import Recipe

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def pick_device(recipe: Recipe) -> torch.device:
    """The device asked for, or the best there is.

    Raises:
        RecipeError: the device is unknown or not there.
    """
    best = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    wanted = recipe.device or (best.type if best else "cpu")
    try:
        device = torch.device(wanted)
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        here = f"cpu, {best.type}" if best else "cpu"
        raise RecipeError(
            f"there is no device '{wanted}' here", place="--device", fix=f"choose one of: {here}"
        ) from error
    return device


def pick_precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    """The fastest arithmetic that trains safely there: bf16 where the device has it, else fp32.

    Raises:
        RecipeError: fp16 on a CPU, which is an error or a crawl.
    """
    if recipe.precision == "fp16" and device.type == "cpu":
        raise RecipeError("fp16 does not run on a CPU", place="--precision", fix="choose auto, bf16 or fp32")
    if recipe.precision != "auto":
        return DTYPES[recipe.precision]
    return torch.bfloat16 if _has_bf16(device) else torch.float32


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        flags = torch.cpu.get_capabilities()
        return any(flags.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return device.type == "mps"


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Mixed precision while inside; nothing for fp32."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def to_device(model: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Move a model; convolutional ones in channels-last order, several times faster on a CPU."""
    model.to(device)
    if any(isinstance(module, torch.nn.Conv2d) for module in model.modules()):
        model.to(memory_format=torch.channels_last)
    return model


@functools.cache
def keep_memory() -> None:
    """Tell glibc to keep freed memory for the next batch instead of handing it back.

    A convolutional forward pass runs up to twice as fast; without effect elsewhere.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def peak_memory(device: torch.device | None = None) -> float | None:
    """The most memory that this process has held so far, in MB; None where the system does not say.

    Args:
        device: of which; by default the machine's own memory.
    """
    if device is not None and device.type != "cpu":
        return round(torch.cuda.max_memory_allocated(device) / 1e6) if device.type == "cuda" else None
    with suppress(OSError):  # where it is there, it is this program's alone: what `resource` says may be its parent's
        lines = Path("/proc/self/status").read_text().splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6)
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
