from __future__ import annotations

from pathlib import Path

import pytest

from releaf.errors import InputError
from resources.indexes import qdrant_server
from resources.settings import load_settings

pytestmark = pytest.mark.usefixtures("no_environment")


def test_without_a_url_the_engine_stays_in_the_process(tmp_path: Path) -> None:
    assert qdrant_server(load_settings(home=tmp_path)) is None


def test_the_server_takes_its_key_from_the_environment_and_shows_it_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RELEAF_QDRANT_URL", "http://127.0.0.1:6333")
    monkeypatch.setenv("RELEAF_QDRANT_API_KEY", "open sesame")
    settings = load_settings(home=tmp_path)
    server = qdrant_server(settings)
    assert server is not None
    assert (server.url, server.api_key) == ("http://127.0.0.1:6333", "open sesame")
    assert "sesame" not in f"{settings!r}{settings.model_dump(mode='json')}{server!r}"


def test_a_url_that_is_none_is_refused_with_the_form_it_should_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must look like http://host:6333, not 'somewhere'"):
        qdrant_server(load_settings(home=tmp_path, qdrant_url="somewhere"))
