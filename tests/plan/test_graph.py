"""The graph of a plan, in every format; the page in a real browser."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bakec import Plan
from bakec.compiler.render.graph import ROWS, graph_of, places, render_dot, render_json, render_mermaid, render_tree
from bakec.compiler.render.html import render_graph
from tests.browsing import browse
from tests.plan.samples import EVERYTHING, compiled

DEFINITIONS = """\
group "default" { targets = ["web", "jobs"] }
group "jobs" { targets = ["cron"] }
target "_common" { platforms = ["linux/amd64"] }
target "web" {
  inherits = ["_common"]
  contexts = { base = "target:base" }
  tags     = ["example/web:1"]
}
target "cron" { contexts = { base = "target:base", "a \\"b\\"" = "target:base" } }
target "base" {}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return compiled(tmp_path, DEFINITIONS)


def test_as_a_tree(plan: Plan) -> None:
    assert list(render_tree(graph_of(plan, inherits=True))) == [
        "group default",
        "├─ group jobs",
        "│  └─ cron",
        '│     ├─ base  as a "b"',
        "│     └─ base  as base",
        "└─ web",
        "   ├─ base  as base",
        "   └─ _common  (inherited)",
    ]


def test_as_mermaid(plan: Plan) -> None:
    assert list(render_mermaid(graph_of(plan))) == [
        "flowchart LR",
        '    n0(["default"])',
        '    n1(["jobs"])',
        '    n2["base"]',
        '    n3["cron"]',
        '    n4["web"]',
        "    n0 --> n1",
        "    n0 --> n4",
        "    n1 --> n3",
        '    n3 ==>|"a #34;b#34;"| n2',
        '    n3 ==>|"base"| n2',
        '    n4 ==>|"base"| n2',
    ]


def test_as_dot(plan: Plan) -> None:
    lines = list(render_dot(graph_of(plan, inherits=True)))

    assert lines[0] == "digraph plan {"
    assert '    "t:cron" -> "t:base" [style=bold, label="a \\"b\\""];' in lines
    assert '    "t:web" -> "t:_common" [style=dashed];' in lines


def test_as_json(plan: Plan) -> None:
    data = json.loads("\n".join(render_json(graph_of(plan))))

    assert data["requested"] == ["g:default"]
    assert {node["id"]: node["kind"] for node in data["nodes"]} == {
        "g:default": "group",
        "g:jobs": "group",
        "t:base": "linked",
        "t:cron": "target",
        "t:web": "target",
    }
    assert {"start": "t:web", "end": "t:base", "kind": "context", "label": "base"} in data["edges"]


def test_a_group_named_default_that_was_not_asked_for_is_left_out(tmp_path: Path) -> None:
    plan = compiled(tmp_path, DEFINITIONS, targets=["web"])

    assert [node.id for node in graph_of(plan).nodes] == ["t:base", "t:web"]


def test_nodes_stand_right_of_those_that_use_them_and_none_on_another(plan: Plan) -> None:
    graph = graph_of(plan, inherits=True)
    spots = places(graph)

    assert len(set(spots.values())) == len(graph.nodes)
    assert all(spots[edge.start][0] < spots[edge.end][0] for edge in graph.edges)


def test_a_wide_layer_goes_on_in_another_column(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(3 * ROWS)]
    quoted = ", ".join(f'"{name}"' for name in names)
    targets = "\n".join(f'target "{name}" {{}}' for name in names)

    spots = places(graph_of(compiled(tmp_path, f'group "default" {{ targets = [{quoted}] }}\n{targets}')))

    assert max(row for _, row in spots.values()) == ROWS - 1
    assert max(column for column, _ in spots.values()) == 3


# --- in a browser ---------------------------------------------------------------------------------------------

DRIVER = """
<script>{
const seen = { errors: [] };
window.addEventListener("error", (event) => seen.errors.push(event.message));
const at = () => document.getElementById("all").getAttribute("transform");
const shown = () => [...document.querySelectorAll(".node.hit")].map((node) => node.dataset.id);
const view = document.getElementById("view");
seen.nodes = document.querySelectorAll(".node").length;
seen.start = at();
view.dispatchEvent(new WheelEvent("wheel", { deltaY: -200, clientX: 300, clientY: 200, cancelable: true }));
seen.zoomed = at();
view.dispatchEvent(new PointerEvent("pointerdown", { clientX: 100, clientY: 100 }));
window.dispatchEvent(new PointerEvent("pointermove", { clientX: 160, clientY: 130 }));
window.dispatchEvent(new PointerEvent("pointerup", {}));
seen.moved = at();
window.dispatchEvent(new PointerEvent("pointermove", { clientX: 500, clientY: 500 }));
seen.released = at();
const search = document.getElementById("search");
search.value = "WEB:1";
search.dispatchEvent(new Event("input"));
seen.found = [shown(), document.getElementById("found").textContent, view.classList.contains("searching")];
search.value = "";
search.dispatchEvent(new Event("input"));
seen.cleared = [shown(), document.getElementById("found").textContent];
document.getElementById("fit").click();
seen.fitted = at();
seen.back = getComputedStyle(document.body).backgroundColor;
seen.loaded = performance.getEntriesByType("resource").length;
document.title = JSON.stringify(seen);
}</script>
</body>"""


@pytest.mark.parametrize(("scheme", "back"), [("1", "rgb(255, 255, 255)"), ("0", "rgb(20, 24, 29)")])
def test_the_page_moves_zooms_and_searches(scheme: str, back: str, plan: Plan, tmp_path: Path) -> None:
    page = render_graph(graph_of(plan, inherits=True))
    path = tmp_path / "graph.html"
    path.write_text(page.replace("</body>", DRIVER), "utf-8")

    dom = browse(path, f"--blink-settings=preferredColorScheme={scheme}")

    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    seen = json.loads(html.unescape(title[1]))
    assert seen["errors"] == []
    assert seen["nodes"] == 6
    start, zoomed, moved = (position(seen[step]) for step in ("start", "zoomed", "moved"))
    assert zoomed[2] > start[2]
    assert [round(after - before) for before, after in zip(zoomed, moved, strict=True)] == [60, 30, 0]
    assert seen["released"] == seen["moved"]
    assert seen["found"] == [["t:web"], "1 found", True]
    assert seen["cleared"] == [[], "6 nodes, 7 edges"]
    assert seen["fitted"] == seen["start"]
    assert seen["back"] == back
    assert seen["loaded"] == 0


def position(transform: str) -> tuple[float, float, float]:
    x, y, scale = map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", transform))
    return x, y, scale


def test_the_page_is_one_file_and_names_no_other(plan: Plan) -> None:
    page = render_graph(graph_of(plan))

    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)\s*=|url\((?!#)|@import|fetch\(|https?:""", page)


def test_what_a_plan_says_is_text_on_the_page_and_no_markup() -> None:
    name = "<script>alert(1)</script>"
    plan = replace(EVERYTHING, groups=(replace(EVERYTHING.groups[0], name=name),), requested=(name,))

    page = render_graph(graph_of(plan))

    assert name not in page
    assert html.escape(name) in page
