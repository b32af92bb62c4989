from tests.lab.network import pairs_in

HEAD = '{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"set": {"family": "bridge", "name": "severed", "table": "lab"'


def test_pairs_are_read_in_their_order():
    told = HEAD + ', "elem": [{"concat": ["worker-1", "gateway-1"]}, {"concat": ["gateway-1", "worker-2"]}]}}]}'
    assert pairs_in(told) == {("worker-1", "gateway-1"), ("gateway-1", "worker-2")}


def test_an_empty_set_has_no_pairs():
    assert pairs_in(HEAD + "}}]}") == set()
