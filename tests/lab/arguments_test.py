import pytest

from tests.lab.__main__ import main, parser
from tests.lab.fleet import DEFAULT_HOSTS, FEWEST, MOST
from tests.lab.scenarios import SCENARIOS


def test_hosts_are_six_unless_told():
    assert parser().parse_args(["up"]).hosts == DEFAULT_HOSTS == 6


@pytest.mark.parametrize("count", [FEWEST, MOST])
def test_the_bounds_of_hosts_are_within(count):
    assert parser().parse_args(["up", "--hosts", str(count)]).hosts == count


@pytest.mark.parametrize("words", [[], ["no-verb"], ["up", "--hosts", str(FEWEST - 1)], ["up", "--hosts", str(MOST + 1)],
                                   ["up", "--hosts", "x"], ["shell"], ["run"], ["run", "no-such-scenario"], ["run", "--all", "boot"]])
def test_usage_is_refused_before_anything_is_done(words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


def test_the_list_names_every_scenario_with_what_it_shows(capsys):
    assert main(["run", "--list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == list(SCENARIOS) and {"boot", "converge", "upgrade", "smoke"} <= set(names)


def test_where_no_laboratory_can_be_made_it_says_why_and_fails_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COPPICE_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr("tests.lab.__main__.obstacle", lambda cache: "namespaces cannot be made")
    assert main(["run", "boot", "--json", str(tmp_path / "report.json")]) == 0
    assert capsys.readouterr().out == "skipped: namespaces cannot be made\n"
    assert '"skipped": "namespaces cannot be made"' in (tmp_path / "report.json").read_text()
