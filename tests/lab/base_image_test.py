import pytest

from tests.lab.base_image import image_key, mirror_in
from tests.lab.problem import Problem

TARGETS = """Other trixie main http://other/
Debian bookworm-updates main http://mirror/debian/
Debian bookworm contrib http://mirror/contrib/
Debian bookworm main http://mirror/debian/
Debian bookworm-security main http://mirror/security/
"""


def test_the_mirror_is_the_one_of_the_release_itself():
    assert mirror_in(TARGETS, "bookworm") == "http://mirror/debian/"


def test_without_a_source_the_remedy_is_named():
    with pytest.raises(Problem) as caught:
        mirror_in(TARGETS, "trixie")
    assert "apt-get update" in caught.value.remedy


def test_the_key_of_an_image_follows_its_packages_and_not_their_order():
    key = image_key("bookworm", "amd64", ["b", "a"])
    assert key == image_key("bookworm", "amd64", ["a", "b"])
    others = [("bookworm", "amd64", ["a"]), ("bookworm", "arm64", ["a", "b"]), ("trixie", "amd64", ["a", "b"])]
    assert key not in {image_key(*each) for each in others}
