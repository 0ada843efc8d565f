"""What a run says of itself: bars, tables, plots."""

from datetime import UTC, datetime

import pytest
from bench.bars import bars_of
from bench.measures import latency_of
from bench.plot import draw
from bench.report import write_markdown
from bench.results import Machine, Results, Row, load, save


@pytest.fixture
def results() -> Results:
    machine = Machine(
        cores=2,
        memory_gb=8.0,
        cpu="a <fast> one",
        system="Linux",
        load_before=0.1,
        commit="abc",
        versions={"python": "3.11"},
    )
    return Results(
        started_at=datetime(2026, 11, 23, tzinfo=UTC),
        settings={"scale": "full", "levels": [1, 64], "naive": ["serial"], "idle_s": 2.5},
        machine=machine,
        rows=[
            Row(workload="W1", subject="ChatterRoom", case="HTTP, 64 in flight", rate=3000.0),
            Row(workload="W1", subject="naive (serial)", case="HTTP, 64 in flight", rate=500.0),
            Row(
                workload="W4",
                subject="ChatterRoom",
                case="10,000 connections, direct",
                details={"rss_kb": 12.0},
            ),
            Row(workload="W6", subject="W6: storm", case="", void="12 clients hold nothing"),
        ],
    )


def test_a_bar_is_reached_missed_or_not_measured(results):
    verdicts = {bar.name: bar.verdict for bar in bars_of(results)}
    assert verdicts["W1, HTTP, 64 in flight, over our naive path (serial)"] == "reached"
    assert verdicts["W4, KB of our memory per idle connection"] == "missed"
    assert verdicts["W6, seconds until all hold all"] == "not measured"


def test_a_void_row_reaches_no_bar(results):
    results.rows[0].void = "the load generator used 90% of its core"
    verdicts = {bar.name: bar.verdict for bar in bars_of(results)}
    assert verdicts["W1, HTTP, 64 in flight, over our naive path (serial)"] == "not measured"


def test_a_run_is_read_as_it_was_written(results, tmp_path):
    assert load(save(results, tmp_path)) == results


def test_the_report_shows_every_row(results):
    report = write_markdown(results)
    assert "| W1 | ChatterRoom | HTTP, 64 in flight |" in report
    assert "12 clients hold nothing" in report


def test_the_plot_is_drawn_from_what_counts(results):
    plot = draw(results)
    assert plot.startswith("<svg")
    assert "3,000" in plot
    assert "hold nothing" not in plot


def test_percentiles_are_of_all_samples():
    latency = latency_of([number / 1000 for number in range(101)])
    assert (latency.p50_ms, latency.p99_ms, latency.max_ms) == (50.0, 99.0, 100.0)
