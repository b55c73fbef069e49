"""The main job, told while it happens: found in the bucket, imported, asked, and all of it in the trail."""

import sys
import time
from typing import Any
from urllib.parse import quote

from cellenium_admin.demo.client import Client, DemoError
from cellenium_admin.demo.people import manage

CELL_TYPE = "CD19+ B"
GENE = "CD79A"
PATIENCE_SECONDS = 180
FINISHED = {"succeeded", "failed", "cancelled"}


def say(text: str = "") -> None:
    """Print a line at once, also when the output goes into a file."""
    print(text, flush=True)


def told(*command: str) -> None:
    """Run a management command and show what it says."""
    for line in manage(*command).splitlines():
        say(f"      {line}")


def imported_study(client: Client, uri: str) -> dict[str, Any]:
    """Wait until the scan has found the file and the worker has imported it, showing how far it is."""
    deadline, shown = time.monotonic() + PATIENCE_SECONDS, ""
    while time.monotonic() < deadline:
        for study in client.get("/studies")["results"]:
            if study["source_uri"] == uri:
                return study
        shown = _show_import(client, shown)
        time.sleep(0.25)
    raise DemoError(f"The study was not imported within {PATIENCE_SECONDS} s: look at the logs under .demo/logs.")


def _show_import(client: Client, shown: str) -> str:
    jobs = client.get("/jobs?name=imports.run_import&limit=1")["results"]
    if not jobs:
        return shown
    job = jobs[0]
    if job["state"] == "failed":
        raise DemoError(f"The import failed: {job['error']}")
    now = f"{job['state']}: {job['stage'] or 'waiting for a worker'}"
    if now != shown:
        say(f"      {now}")
    return now


def show_study(study: dict[str, Any]) -> None:
    """Print what was imported."""
    say(f"      {study['name']}: {study['cell_count']:,} cells, {study['gene_count']:,} genes")


def show_markers(client: Client, study: dict[str, Any]) -> None:
    """Ask for the markers of one cell type and print ten."""
    groups = client.get(f"/studies/{study['id']}/annotations")
    values = [value for group in groups for value in group["values"] if value["label"] == CELL_TYPE]
    if not values:
        raise DemoError(f"The study has no cell type {CELL_TYPE!r}.")
    started = time.perf_counter()
    question = {"group1": {"value_ids": [values[0]["value_id"]]}, "group2": "rest", "n_genes": 10}
    answer = client.post(f"/studies/{study['id']}/de", question, wait=30)
    say(f"      {CELL_TYPE} ({values[0]['count']} cells) against the rest, Wilcoxon, {_since(started)}")
    say(f"      {'gene':<10} {'score':>8} {'log2 fold change':>18} {'adjusted p':>12}")
    for row in _results(answer):
        say(f"      {row['symbol']:<10} {row['score']:>8.2f} {row['log2fc']:>18.2f} {row['p_adj']:>12.2e}")


def show_correlations(client: Client, study: dict[str, Any]) -> None:
    """Ask which genes move with one gene and print ten."""
    started = time.perf_counter()
    answer = client.post(f"/studies/{study['id']}/correlations", {"feature": GENE, "limit": 10}, wait=30)
    say(f"      genes correlated with {GENE}, Pearson, {_since(started)}")
    for row in _results(answer):
        say(f"      {row['symbol']:<10} r = {row['r']:+.3f}")


def _results(answer: dict[str, Any]) -> list[dict[str, Any]]:
    if answer.get("results") is None:
        raise DemoError(f"No answer within 30 s, the job is {answer['state']}: look at .demo/logs/worker.log.")
    return list(answer["results"])


def _since(started: float) -> str:
    return f"answered in {1000 * (time.perf_counter() - started):.0f} ms"


def show_trail(client: Client) -> None:
    """Print the newest part of the trail, oldest first, and have it verified."""
    for event in reversed(client.get("/audit-events?limit=20")["results"]):
        say(f"      {event['seq']:>4}  {event['at'][:19]}  {event['actor_label']:<28.28} {event['action']:<24} "
            f"{event['object_label']:.60}")  # fmt: skip
    say(manage("audit", "verify").strip())


def study_page(base_url: str, study: dict[str, Any]) -> str:
    """Give the admin page of the study."""
    return f"{base_url}/admin/studies/study/{quote(study['id'])}/change/"


def fail(error: Exception) -> None:
    """Tell on standard error why the demo stopped."""
    print(f"\nThe demo stopped: {error}", file=sys.stderr)
