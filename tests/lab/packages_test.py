import sys
from pathlib import Path

import pytest

from tests.lab.packages import HOST_PACKAGES, host_packages, is_program, loaded_libraries, owner, package_in
from tests.lab.problem import Problem

LDD = """/tree/bin/program:
\tlinux-vdso.so.1 (0x00007ffd7ad8e000)
\tlibzmq.so.5 => /lib/x86_64-linux-gnu/libzmq.so.5 (0x00007f1c00000000)
\tlibtorch_cpu.so => /venv/torch/lib/libtorch_cpu.so (0x00007f1c10000000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f1c20000000)
/tree/bin/script:
\tnot a dynamic executable
"""


def test_libraries_are_those_that_have_a_file():
    assert loaded_libraries(LDD) == [Path("/lib/x86_64-linux-gnu/libzmq.so.5"), Path("/venv/torch/lib/libtorch_cpu.so"),
                                     Path("/lib64/ld-linux-x86-64.so.2")]


def test_a_library_that_is_not_found_is_named():
    with pytest.raises(Problem, match="libcaf_io.so"):
        loaded_libraries("\tlibcaf_io.so.0.17.6 => not found\n")


@pytest.mark.parametrize("told, package", [
    ("libzmq5:amd64: /usr/lib/x86_64-linux-gnu/libzmq.so.5\n", "libzmq5"),
    ("python3: /usr/bin/python3\n", "python3"),
    ("base-files, libc6:amd64: /lib64\n", "base-files"),
    ("diversion by a from: /lib/x\ndiversion by a to: /lib/x.old\nlibx1:amd64: /lib/x\n", "libx1"),
    ("", None)])
def test_the_package_is_read_from_what_dpkg_says(told, package):
    assert package_in(told) == package


@pytest.mark.parametrize("known", ["/lib/no-such/libx.so.1", "/usr/lib/no-such/libx.so.1"])
@pytest.mark.parametrize("asked", ["/lib/no-such/libx.so.1", "/usr/lib/no-such/libx.so.1"])
def test_a_library_is_found_before_and_after_the_merge_of_lib_into_usr(known, asked):
    assert owner(Path(asked), {known: "libx1"}.get) == "libx1"


def test_a_library_is_found_by_the_file_that_its_name_links_to(tmp_path):
    (tmp_path / "libx.so.1.2").touch()
    (tmp_path / "libx.so.1").symlink_to("libx.so.1.2")
    assert owner(tmp_path / "libx.so.1", {str((tmp_path / "libx.so.1.2").resolve()): "libx1"}.get) == "libx1"


def test_a_library_of_no_package_has_no_owner():
    assert owner(Path("/venv/torch/lib/libtorch_cpu.so"), lambda path: None) is None


def test_a_script_is_no_program(tmp_path):
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert not is_program(tmp_path / "script") and is_program(Path(sys.executable).resolve())


def test_a_real_program_brings_the_packages_of_its_libraries(tmp_path):
    (tmp_path / "program").write_bytes(Path("/bin/ls").read_bytes())
    assert set(host_packages(tmp_path)) > {*HOST_PACKAGES, "libc6", "libselinux1"}


def test_without_binaries_nothing_can_be_told(tmp_path):
    with pytest.raises(Problem, match="no binaries"):
        host_packages(tmp_path)
