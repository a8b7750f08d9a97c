"""Write the current pictures as baselines."""

import tempfile
from pathlib import Path

from tests.plotting.baselines import FOLDER, PICTURES, make, path_of, pixels, save, write_scene


def regenerate() -> None:
    """Write every picture, and remove those that are none any more."""
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        scene = write_scene(Path(folder))
        for name in PICTURES:
            save(pixels(name, make(name, scene)), path_of(name))


if __name__ == "__main__":
    regenerate()
    print(f"wrote {len(PICTURES)} pictures in {FOLDER}: look at each before it is committed")
