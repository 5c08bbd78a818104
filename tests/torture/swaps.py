"""What is done to the store, and by orders: versions that take each other's place, good and bad."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

from bridge.bundles.manifest import MANIFEST_FILE
from bridge.control import ControlError
from tests.torture.harm import may_end_daemon
from tests.torture.scene import Scene
from tests.torture.shelf import labels
from tests.torture.wardrobe import (
    BASE,
    ROTTEN,
    SMALL,
    SPECIALISTS,
    TORCH_ADAPTER,
    Piece,
    hang,
    rotten,
)

_CHUNK_BYTES = 64 * 1024
_SLOWLY_S = 0.03
_SOME_POLLS_S = 5.0
_ORDER_S = 60.0


def swap_by_order(scene: Scene) -> None:
    """Another version is put into the store, and the daemon told to look."""
    _exchange(scene, _any(scene), by_order=True)


def swap_by_watch(scene: Scene) -> None:
    """Another version is put into the store, and the daemon finds it by itself."""
    _exchange(scene, _any(scene), by_order=False)


def swap_slowly(scene: Scene) -> None:
    """Another version is copied over the old one, file by file."""
    _exchange(scene, _any(scene), by_order=False, slowly=True)


def swap_back_and_forth(scene: Scene) -> None:
    """Versions follow each other faster than they can be loaded; the last one stays."""
    name = _any(scene)
    outfits = scene.wardrobe.outfits[name]
    turns = [scene.draw.randrange(len(outfits)) for _ in range(4)]
    old, new = outfits[scene.worn[name]], outfits[turns[-1]]
    all_of_it = {label for turn in turns for label in labels(outfits[turn])} | set(labels(old))
    scene.shelf.exchanging(all_of_it, [])
    for turn in turns:
        for piece in outfits[turn]:
            hang(piece, scene.store)
        time.sleep(scene.draw.uniform(0.0, 2.5))
    scene.worn[name] = turns[-1]
    come = set(labels(new))
    scene.wait_until_served(come, all_of_it - come, "versions that followed each other fast")
    scene.shelf.exchanged(all_of_it - come, come)


def kill_amid_swap(scene: Scene) -> None:
    """The daemon is killed while it loads another version."""
    name = _any(scene)
    with scene.ended():
        _put_on(scene, name)
        order = threading.Thread(target=_try_to_reload, args=(scene,), daemon=True)
        order.start()
        time.sleep(scene.draw.uniform(0.0, 1.5))
        daemon = scene.subject.daemon
        if daemon is not None:
            daemon.kill()
            daemon.wait(scene.patience_s)
        _confirm(scene, name, "a kill amid a swap")
        scene.settle("a kill amid a swap")
        order.join(_ORDER_S)
        if order.is_alive():
            scene.record.violation("an order waits on for a daemon that was killed meanwhile")


def put_rotten(scene: Scene) -> None:
    """A bundle that fails when it is tried appears, and goes away again."""
    rotten(scene.store, scene.draw.randrange(100))
    _reload(scene)
    _require_not_served(scene, ROTTEN)
    shutil.rmtree(scene.store / ROTTEN)
    _reload(scene)
    scene.settle("a rotten bundle")


def damage_bundle(scene: Scene) -> None:
    """A served bundle's file is damaged on the disk: it serves on, and is mended."""
    outfit = scene.wardrobe.outfits[SMALL][scene.worn[SMALL]]
    graph = scene.store / SMALL / "model.onnx"
    graph.write_bytes(scene.draw.randbytes(200))
    time.sleep(scene.draw.uniform(0.0, _SOME_POLLS_S))
    _reload(scene)
    scene.settle("a bundle damaged on the disk")
    hang(outfit[0], scene.store)
    _reload(scene)
    scene.settle("a bundle that was mended")


def remove_and_reload(scene: Scene) -> None:
    """A model is served no more by order, and then again."""
    label = scene.shelf.standing(SMALL)
    scene.shelf.exchanging([label], [])
    scene.order(lambda control: control.remove(label))
    scene.shelf.exchanged([label], [])
    time.sleep(scene.draw.uniform(0.0, _SOME_POLLS_S))
    scene.shelf.exchanging([], [label])
    _reload(scene)
    scene.wait_until_served({label}, set(), "a removal and a reload")
    scene.shelf.exchanged([], [label])


def change_default(scene: Scene) -> None:
    """Requests that name no model mean another one for a while, even after a restart."""
    other = scene.draw.choice(SPECIALISTS)
    for name in (other, BASE):
        scene.shelf.changing_default(name)
        scene.order(lambda control, name=name: control.default(name))
        scene.shelf.changed_default(name)
        if may_end_daemon(scene) and scene.draw.random() < 0.3:
            time.sleep(0.5)
            with scene.ended():
                daemon = scene.subject.daemon
                if daemon is not None:
                    daemon.kill()
                    daemon.wait(scene.patience_s)
                scene.settle("kill -9 after another default")
        time.sleep(scene.draw.uniform(0.0, 2.0))


def _any(scene: Scene) -> str:
    names = [BASE, SMALL]
    if scene.wardrobe.has_torch:
        names.append(TORCH_ADAPTER)
    return scene.draw.choice(names)


def _exchange(scene: Scene, name: str, *, by_order: bool, slowly: bool = False) -> None:
    _put_on(scene, name, slowly=slowly)
    if by_order:
        _reload(scene)
    _confirm(scene, name, f"a swap of {name}")


def _put_on(scene: Scene, name: str, *, slowly: bool = False) -> None:
    """Put another version, with all that belongs to it, into the store."""
    outfits = scene.wardrobe.outfits[name]
    worn = scene.worn[name]
    chosen = scene.draw.choice([number for number in range(len(outfits)) if number != worn])
    old, new = outfits[worn], outfits[chosen]
    scene.shelf.exchanging(labels(old), labels(new))
    scene.worn[name] = chosen
    for piece in scene.draw.sample(new, len(new)):
        if slowly:
            _copy_over(piece, scene.store / piece.name, manifest_first=scene.draw.random() < 0.5)
        else:
            hang(piece, scene.store)


def _confirm(scene: Scene, name: str, after: str) -> None:
    outfits = scene.wardrobe.outfits[name]
    new = set(labels(outfits[scene.worn[name]]))
    gone = {label for outfit in outfits for label in labels(outfit)} - new
    scene.wait_until_served(new, gone, after)
    scene.shelf.exchanged(gone, new)


def _copy_over(piece: Piece, folder: Path, *, manifest_first: bool) -> None:
    names = sorted(piece.bundle.manifest.files)
    names = [MANIFEST_FILE, *names] if manifest_first else [*names, MANIFEST_FILE]
    for name in names:
        content = (piece.bundle.path / name).read_bytes()
        with (folder / name).open("wb", buffering=0) as file:
            for at in range(0, len(content), _CHUNK_BYTES):
                file.write(content[at : at + _CHUNK_BYTES])
                time.sleep(_SLOWLY_S)


def _reload(scene: Scene) -> None:
    scene.order(lambda control: control.reload())


def _try_to_reload(scene: Scene) -> None:
    with suppress(ControlError), scene.control() as control:
        control.reload()


def _require_not_served(scene: Scene, name: str) -> None:
    served = [label for label in scene.serves() if label.startswith(f"{name}@")]
    if served:
        scene.record.violation(f"{served[0]} is served, and fails when it is tried")
