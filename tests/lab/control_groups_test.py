from pathlib import Path

from tests.lab.control_groups import Hierarchy, gone, hierarchies, limit_file, remove

MIXED = """10 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
11 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
14 35 0:32 / /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory
19 40 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
20 41 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
MIXED_OWN = "9:name=systemd:/\n4:memory:/mine/a:b\n1:cpu,cpuacct:/\n0::/somewhere\n"


def test_groups_of_version_1_are_made_below_the_own_one_and_of_version_2_at_the_top():
    assert hierarchies(MIXED, MIXED_OWN) == [Hierarchy(1, Path("/sys/fs/cgroup/memory/mine/a:b")),
                                             Hierarchy(1, Path("/sys/fs/cgroup/systemd")), Hierarchy(2, Path("/sys/fs/cgroup/unified"))]


def test_with_version_2_alone_there_is_one_hierarchy():
    mounts = "26 25 0:23 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    assert hierarchies(mounts, "0::/user.slice/user-0.slice/session-1.scope\n") == [Hierarchy(2, Path("/sys/fs/cgroup"))]


def test_the_limit_of_memory_is_where_a_group_has_it(tmp_path):
    for each, file in (("a", "cgroup.procs"), ("b", "memory.max")):
        (tmp_path / each / "worker-1").mkdir(parents=True)
        (tmp_path / each / "worker-1" / file).touch()
    assert limit_file([tmp_path / "a", tmp_path / "b"], "worker-1") == (tmp_path / "b/worker-1/memory.max", "max")
    assert limit_file([tmp_path / "a"], "worker-1") is None


def test_a_group_is_removed_with_all_below_it(tmp_path):
    (tmp_path / "lab/worker-1/payload").mkdir(parents=True)
    remove(tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_a_group_that_was_removed_already_is_gone(tmp_path):
    assert gone(tmp_path / "lab")
