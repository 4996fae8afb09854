"""The sandbox as a process: the ready line, the control port, faults on the wire, and a clean end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount, StartSandbox

CONTACTS = "/crm/v3/objects/contacts"
COMMAND = [sys.executable, "-m", "crmhub.sandbox"]


def test_one_ready_line_and_a_clean_end() -> None:
    arguments = ["--people", "30", "--seed", "3", "--vendors", "hubspot"]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert set(ready) == {"control", "connections"}
    assert set(ready["connections"]["hubspot"]) >= {"base_url", "access_token"}
    assert requests.get(ready["control"] + "/", timeout=10).json() == ready
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.stdout.read() == ""
    process.stdout.close()


def test_wrong_arguments_exit_with_2() -> None:
    done = subprocess.run([*COMMAND, "--vendors", "acme"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "acme" in done.stderr
    assert done.stdout == ""


def test_same_arguments_same_state(sandbox: StartSandbox, account: HubSpotAccount) -> None:
    twin = sandbox("--people", "200", "--rate", "0", "--seed", "1", "--vendors", "hubspot")
    assert requests.get(f"{twin.control}/state/hubspot", timeout=30).text.splitlines() == [
        json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in account.state()
    ]


def test_reset_brings_everything_back(account: HubSpotAccount) -> None:
    before, clock = account.state(), account.steer("/clock")
    account.post(CONTACTS, {"properties": {"lastname": "New"}}, 201)
    account.steer("/clock", {"advance": 5000})
    account.steer("/faults", {"kind": "quota"})
    account.steer("/settings", {"vendor": "hubspot", "merge_mode": "keep_primary"})
    account.steer("/reset", {})
    assert account.state() == before
    assert account.steer("/clock") == clock
    assert account.steer("/faults") == []
    assert account.steer("/calls") == []
    assert account.steer("/settings/hubspot")["merge_mode"] == "new_id"


def test_the_clock_drives_the_date_header(account: HubSpotAccount) -> None:
    assert account.steer("/clock", {"now": 1_800_000_000_000}) == {"now": 1_800_000_000_000, "rate": 0.0}
    answer = account.call("GET", CONTACTS, limit=1)
    assert answer.headers["Date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    bad = requests.post(f"{account.control}/clock", json={"speed": 2}, timeout=10)
    assert (bad.status_code, list(bad.json())) == (400, ["error"])


def test_truth_names_every_record_once(account: HubSpotAccount) -> None:
    text = requests.get(f"{account.control}/truth/people", timeout=10).text
    people = [json.loads(line) for line in text.splitlines()]
    assert len(people) == 200
    held = [row["id"] for person in people for row in person["external_ids"].get("hubspot", [])]
    assert sorted(held) == sorted(row["id"] for row in account.state() if row["object"] == "contacts")
    assert all(0 < person["probability"] < 1 for person in people)


def test_calls_are_counted_by_route(account: HubSpotAccount) -> None:
    account.call("GET", CONTACTS, limit=1)
    account.call("GET", CONTACTS, limit=1)
    account.call("GET", f"{CONTACTS}/1")
    account.call("GET", "/nowhere")
    rows = {(row["method"], row["route"], row["status"]): row["count"] for row in account.steer("/calls")}
    assert rows == {
        ("GET", "/crm/v3/objects/{type}", 200): 2,
        ("GET", "/crm/v3/objects/{type}/{id}", 404): 1,
        ("GET", "(none)", 404): 1,
    }


def test_least_calls_are_what_paging_takes(account: HubSpotAccount) -> None:
    least = account.steer("/calls/least")["hubspot"]
    pages, after = 0, ""
    while pages == 0 or after:
        page = account.get(CONTACTS, limit=100, after=after)
        after = page.get("paging", {}).get("next", {}).get("after", "")
        pages += 1
    assert least["first_pull"]["contacts"] == pages
    assert least["per_1000_updates"] == {"guard_read": 10, "update": 10}


def test_pace_is_told_by_the_control_port(account: HubSpotAccount) -> None:
    for _ in range(3):
        account.call("GET", CONTACTS, limit=1)
        account.steer("/clock", {"advance": 1000})
    limit = {"name": "list", "calls": 1, "window_ms": 1000, "match": "^GET /crm/v3/objects"}
    found = account.steer("/calls/pace/hubspot", [limit])
    assert (found["calls"], found["took_ms"], found["limits"][0]["calls"]) == (3, 2000, 3)
    assert found["at_limit"] > 0.9
    assert account.steer("/calls/pace/hubspot")["calls"] == 3
    bad = requests.post(f"{account.control}/calls/pace/hubspot", json=[{"calls": 0}], timeout=10)
    assert bad.status_code == 400


def test_acts_go_to_the_vendor(account: HubSpotAccount) -> None:
    for wish in ({"action": "restore"}, {"vendor": "hubspot"}, {"vendor": "hubspot", "action": "dance"}):
        bad = requests.post(f"{account.control}/act", json=wish, timeout=10)
        assert (bad.status_code, list(bad.json())) == (400, ["error"])


def test_fault_status_with_and_without_retry_after(account: HubSpotAccount) -> None:
    account.steer(
        "/faults",
        [
            {"kind": "status", "status": 429, "retry_after": 2, "times": 1, "match": {"route": "/crm/v3/owners"}},
            {"kind": "status", "status": 503, "times": 1, "body": {"x": 1}, "match": {"route": "/crm/v3/owners"}},
        ],
    )
    assert account.call("GET", CONTACTS, limit=1).status_code == 200
    first, second = account.call("GET", "/crm/v3/owners"), account.call("GET", "/crm/v3/owners")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "2")
    assert (second.status_code, second.json()) == (503, {"x": 1})
    assert account.call("GET", "/crm/v3/owners").status_code == 200


def test_fault_401_for_ever_spares_the_token_endpoint(account: HubSpotAccount) -> None:
    account.steer("/faults", {"kind": "status", "status": 401})
    assert account.call("GET", CONTACTS).status_code == 401
    keys = {name: account.connection[name] for name in ("client_id", "client_secret", "refresh_token")}
    form = {"grant_type": "refresh_token", **keys}
    assert account.http.post(f"{account.base}/oauth/v1/token", data=form, timeout=10).status_code == 200
    assert account.call("GET", CONTACTS).status_code == 401


def test_fault_cut_and_garbage_and_duplicate(account: HubSpotAccount) -> None:
    for kind in ("cut", "garbage", "duplicate"):
        account.steer("/faults", {"kind": kind, "times": 1})
    with pytest.raises(requests.exceptions.JSONDecodeError):
        account.call("GET", CONTACTS, limit=5).json()
    assert account.call("GET", CONTACTS, limit=5).text.startswith("<html>")
    ids = [row["id"] for row in account.get(CONTACTS, limit=5)["results"]]
    assert len(ids) == 6
    assert ids[-1] == ids[-2]


@pytest.mark.parametrize(("kind", "made"), [("drop_after_commit", True), ("drop_before", False), ("dead", False)])
def test_fault_closed_connections(account: HubSpotAccount, kind: str, made: bool) -> None:
    account.steer("/faults", {"kind": kind, "times": 1, "match": {"method": "POST"}})
    with pytest.raises(requests.ConnectionError):
        account.call("POST", CONTACTS, {"properties": {"email": "unsure@example.com"}})
    found = account.call("GET", f"{CONTACTS}/unsure@example.com", idProperty="email")
    assert (found.status_code == 200) == made
    assert {"vendor": "hubspot", "method": "POST", "route": "/crm/v3/objects/{type}", "status": 0, "count": 1} in (
        account.steer("/calls")
    )


def test_fault_replay_does_it_twice(account: HubSpotAccount) -> None:
    account.steer("/faults", {"kind": "replay", "times": 1})
    account.call("POST", CONTACTS, {"properties": {"lastname": "Twice"}})
    assert sum(row["fields"].get("lastname") == "Twice" for row in account.state()) == 2


def test_fault_slow_commits_first(account: HubSpotAccount) -> None:
    account.steer("/faults", {"kind": "slow", "seconds": 0.3, "times": 1})
    begun = time.monotonic()
    account.call("POST", CONTACTS, {"properties": {"lastname": "Slow"}})
    assert time.monotonic() - begun >= 0.3


def test_half_a_request_never_happened(account: HubSpotAccount) -> None:
    host, port = account.base.removeprefix("http://").split(":")
    body = b'{"properties": {"lastname": "Half"}}'
    head = "\r\n".join(
        (f"POST {CONTACTS} HTTP/1.1", "Host: x", f"Authorization: Bearer {account.token}", "Content-Length: 99", "", "")
    )
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(head.encode() + body)
    assert account.steer("/calls") == []
    assert not any(row["fields"].get("lastname") == "Half" for row in account.state())


def test_hostile_is_survivable_and_seeded(sandbox: StartSandbox) -> None:
    found = sandbox("--people", "30", "--rate", "0", "--no-limits", "--hostile", "--vendors", "hubspot")
    headers = {"Authorization": f"Bearer {found.connections['hubspot']['access_token']}"}

    def run() -> list[int]:
        statuses: list[int] = []
        for _ in range(120):
            try:
                url = found.connections["hubspot"]["base_url"] + CONTACTS
                statuses.append(requests.get(url, headers=headers, timeout=10).status_code)
            except requests.ConnectionError:
                statuses.append(0)
        return statuses

    first = run()
    requests.post(f"{found.control}/reset", timeout=10)
    assert run() == first
    assert 60 < first.count(200) < 120


def test_edits_by_a_person_and_deletes(account: HubSpotAccount) -> None:
    row = next(row for row in account.state() if row["object"] == "contacts" and "email" in row["fields"])
    account.steer("/clock", {"advance": 1000})
    wish: dict[str, Any] = {"vendor": "hubspot", "object": "contacts", "id": row["id"]}
    edited = account.steer("/edit", {**wish, "fields": {"jobtitle": "Chief", "hs_email_optout": "true"}})
    assert edited["fields"]["hs_email_optout"] == "true"
    assert edited["fields"]["lastmodifieddate"] > row["fields"]["lastmodifieddate"]
    account.steer("/delete", wish)
    assert account.call("GET", f"{CONTACTS}/{row['id']}").status_code == 404
    assert next(one for one in account.state() if one["id"] == row["id"])["deleted"]
    bad = requests.post(f"{account.control}/edit", json={**wish, "id": "1", "fields": {}}, timeout=10)
    assert bad.status_code == 400


def test_25000_rows_of_one_timestamp(crowd: HubSpotAccount) -> None:
    moment = crowd.steer("/clock")["now"]
    crowd.steer("/settings", {"vendor": "hubspot", "stamp": {"object": "contacts", "at": moment}})
    seen: set[str] = set()
    last, calls, total = "0", 0, 0
    while True:
        filters = [
            {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(moment)},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last},
        ]
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "limit": 200,
        }
        for after in range(0, 10_000, 200):
            page = crowd.post(f"{CONTACTS}/search", {**body, "after": str(after)})
            total = total or page["total"]
            calls += 1
            seen.update(row["id"] for row in page["results"])
            last = page["results"][-1]["id"] if page["results"] else last
            if "paging" not in page:
                break
        if "paging" not in page:
            break
    assert len(seen) == total > 25_000
    assert calls <= -(-total // 200) + 1
