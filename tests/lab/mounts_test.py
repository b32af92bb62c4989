from pathlib import Path

import pytest

from tests.lab.mounts import points_in, remove_tree
from tests.lab.problem import Problem

MOUNTINFO = r"""20 1 8:1 / / rw - ext4 /dev/a rw
30 20 0:40 / /cache/lab-1/hosts/a/root rw - overlay overlay rw
31 30 0:41 / /cache/lab-1/hosts/a/root/proc rw - proc proc rw
32 20 0:42 / /cache/lab-10/hosts/a/root rw - overlay overlay rw
33 20 0:43 / /with\040blank/x rw - tmpfs tmpfs rw
"""


def test_inner_mounts_come_before_outer_ones_and_namesakes_are_spared():
    assert points_in(MOUNTINFO, Path("/cache/lab-1")) == [Path("/cache/lab-1/hosts/a/root/proc"), Path("/cache/lab-1/hosts/a/root")]


def test_a_folder_that_is_itself_mounted_counts():
    assert points_in(MOUNTINFO, Path("/cache/lab-1/hosts/a/root/proc")) == [Path("/cache/lab-1/hosts/a/root/proc")]


def test_blanks_in_names_are_read():
    assert points_in(MOUNTINFO, Path("/with blank")) == [Path("/with blank/x")]


def test_nothing_is_removed_through_a_mount(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("tests.lab.mounts.mounted_below", lambda folder: [folder / "mounted"])
    with pytest.raises(Problem, match="still mounted"):
        remove_tree(tmp_path)
    assert (tmp_path / "file").exists()


def test_a_folder_that_is_not_there_is_removed(tmp_path):
    remove_tree(tmp_path / "none")
