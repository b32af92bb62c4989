from tests.monitoring.promql import Series, grouped_by, series


def test_functions_durations_numbers_and_words_are_no_series():
    text = 'histogram_quantile(0.99, sum by (le) (rate(a_bucket[5m]))) > 1e3 and on (x) b unless c offset 5m'
    assert [each.name for each in series(text)] == ["a_bucket", "b", "c"]


def test_matchers_keep_label_operator_and_value_with_braces_inside():
    assert series('a{code=~"x|y", z!="}"}[5m]') == [Series("a", [("code", "=~", "x|y"), ("z", "!=", "}")])]


def test_labels_are_those_of_every_grouping():
    assert grouped_by("sum by (a, b) (x) / on (c) group_left (d) max without (e) (y)") == {"a", "b", "c", "d", "e"}
