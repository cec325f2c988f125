"""Which failures pass, and what `--retries` says about them. The messages are those of real daemons and registries."""

import pytest

from bakec.ir.diagnostics import Failed
from bakec.runtime.retry import MOST_SECONDS, Retries, fault_of, parse, wait


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ('process "/bin/sh -c curl x" did not complete successfully: exit code: 7', "step"),
        ('failed to compute cache key: failed to calculate checksum of ref x: "/a": not found', "definition"),
        ('target stage "none" could not be found', "definition"),
        ("unexpected status from POST request to http://r/v2/a/blobs/uploads/: 500 Internal Server Error", "server"),
        ("unexpected status from HEAD request to https://r/v2/: 503 Service Unavailable", "server"),
        ("toomanyrequests: You have reached your pull rate limit", "limit"),
        ("failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized", "denied"),
        ("denied: requested access to the resource is denied", "denied"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "network"),
        ("dial tcp: lookup registry.invalid on 127.0.0.1:53: no such host", "network"),
        ("net/http: TLS handshake timeout", "network"),
        ('failed to do request: Head "http://r/v2/a": EOF', "network"),
        ("docker.io/library/none:latest: not found", "missing"),
        ("mkdir /var/lib/docker/x: no space left on device", "disk"),
        ("something that nobody has seen", "other"),
    ],
)
def test_faults_are_known_by_their_words(message: str, fault: str) -> None:
    assert fault_of(message) == fault


def test_a_number_of_its_own_wins_over_the_usual_one() -> None:
    retries = parse(["1", "limit=7", "network=0"])

    assert retries == Retries(1, {"limit": 7, "network": 0})
    assert [retries.after(text) for text in ("429", "connection refused", "500 bad", "exit", "x: not found")] == [
        *(7, 0, 1, 1, 0)
    ]


@pytest.mark.parametrize("text", ["", "x", "-1", "step=1", "unknown=1", "network=", "=1", "1001"])
def test_only_numbers_of_faults_that_may_pass(text: str) -> None:
    with pytest.raises(Failed, match="--retries"):
        parse([text])


def test_the_wait_grows_to_a_limit() -> None:
    assert all(MOST_SECONDS / 2 <= wait(retry) <= MOST_SECONDS for retry in (10, 1000))
