"""Figures as people read them."""


def size_text(count: int) -> str:
    """8, 1K, 64K, 4M."""
    for unit, factor in (("M", 1 << 20), ("K", 1 << 10)):
        if count >= factor and count % factor == 0:
            return f"{count // factor}{unit}"
    return str(count)


def value_text(value: float, unit: str, count: int) -> str:
    """A time as it is; a rate as millions of messages, and as GB/s from 1 KiB on."""
    if unit.startswith("%"):
        return f"{value:.2f} {unit}"
    if unit != "msg/s":
        return f"{value:.3g} {unit}"
    return f"{value * count / 1e9:.3g} GB/s" if count >= 1024 else f"{value / 1e6:.3g} M/s"
