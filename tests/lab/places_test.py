from pathlib import Path

from tests.lab.places import Places, cache_folder


def test_the_cache_is_where_the_environment_says(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.delenv("COPPICE_LAB_CACHE", raising=False)
    assert cache_folder() == Path("/xdg/coppice-lab")
    monkeypatch.setenv("COPPICE_LAB_CACHE", "/mine")
    assert cache_folder() == Path("/mine")


def test_two_checkouts_share_images_and_nothing_else():
    one, other = Places(Path("/cache"), Path("/a")), Places(Path("/cache"), Path("/b"))
    assert one.cache == other.cache
    assert not {one.folder, one.lock, one.prefix, one.control} & {other.folder, other.lock, other.prefix, other.control}


def test_what_it_makes_in_the_kernel_bears_its_name():
    places = Places(Path("/cache"), Path("/a"))
    assert places.namespace("worker-1").startswith(places.prefix) and places.control.startswith(places.prefix)
