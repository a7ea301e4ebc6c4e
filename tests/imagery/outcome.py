"""What a run of the imagery example must have produced."""

import csv
import math
import pathlib
import struct
import zlib

EARTH = "/usr/share/xplanet/images/earth.jpg"
NIGHT = "/usr/share/xplanet/images/night.jpg"

CITIES = {
    "Tokyo": (35.68, 139.69),
    "New York": (40.71, -74.01),
    "Cairo": (30.04, 31.24),
    "London": (51.51, -0.13),
    "Moscow": (55.76, 37.62),
    "Delhi": (28.61, 77.21),
    "Sao Paulo": (-23.55, -46.63),
    "Sydney": (-33.87, 151.21),
    "Perth": (-31.95, 115.86),
}
DARK = {"Sahara": (23.0, 10.0), "Pacific": (0.0, -140.0), "Antarctica": (-80.0, 0.0)}


def read_sites(path: pathlib.Path) -> list:
    """(latitude, longitude, brightness) of every row, in the file's order."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [(float(row["latitude"]), float(row["longitude"]), float(row["brightness"])) for row in rows]


def degrees_apart(a: tuple, b: tuple) -> float:
    """Great-circle distance of two (latitude, longitude)."""
    (lat_a, lon_a), (lat_b, lon_b) = ([math.radians(value) for value in place[:2]] for place in (a, b))
    chord = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(chord)))


def assert_sites(path: pathlib.Path) -> None:
    sites = read_sites(path)
    brightness = [site[2] for site in sites]
    assert brightness == sorted(brightness, reverse=True) and brightness[-1] > 0
    for name, place in CITIES.items():
        assert min(degrees_apart(site, place) for site in sites) <= 2, f"{name} was not found"
    for name, place in DARK.items():
        assert min(degrees_apart(site, place) for site in sites) > 4, f"{name} is not dark"


def read_png(path: pathlib.Path) -> tuple:
    """(width, height, bytes of pixels) of an 8-bit RGB PNG; raises ValueError where it is not valid."""
    data = path.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG signature")
    at, header, packed, kind = 8, None, b"", b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        if check != zlib.crc32(kind + body):
            raise ValueError(f"bad checksum of chunk {kind}")
        header = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    if kind != b"IEND" or header is None or header[2:4] != (8, 2):
        raise ValueError(f"not a whole 8-bit RGB picture: {header}")
    pixels = zlib.decompress(packed)
    if len(pixels) != header[1] * (1 + 3 * header[0]):
        raise ValueError("wrong number of pixels")
    return header[0], header[1], pixels


def assert_picture(path: pathlib.Path) -> None:
    width, height, pixels = read_png(path)
    assert (width, height) == (2048, 1024 + 44 + 96), "map, title and legend"
    assert len(set(pixels[:: len(pixels) // 5000])) > 50, "a picture, not a blank sheet"
