"""Settings: what is wrong is refused with the file, the key and what would be right."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from fivefifty import settings
from fivefifty.errors import InputError
from fivefifty.settings import Settings, load

DOCUMENT = Path(__file__).parent.parent / "docs" / "settings.md"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("FIVEFIFTY_SETTINGS", raising=False)

    def written(text):
        path = tmp_path / "settings.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def test_without_a_file_everything_has_its_default(write, monkeypatch):
    monkeypatch.setenv("FIVEFIFTY_KEY_IMAP", "secret")
    found = load()
    assert found == Settings(keys={"imap": "secret"}) and "secret" not in repr(found)


def test_the_example_of_the_document_is_right_and_every_key_stands_there(write):
    text = DOCUMENT.read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1]
    found = load(write(example))
    assert found.own_domains == ("example.org", "news.example.org") and len(found.follow) == 4 and str(found.tzinfo) == "Europe/Berlin"
    for key in (*settings._TOP, *settings._FOLLOW):
        assert f"| `{key}` |" in text, key


def test_where_it_is_looked_for(write, tmp_path, monkeypatch):
    (tmp_path / "config" / "fivefifty").mkdir(parents=True)
    (tmp_path / "config" / "fivefifty" / "settings.toml").write_text("keep_days = 1")
    assert load().keep_days == 1
    monkeypatch.setenv("FIVEFIFTY_SETTINGS", write("keep_days = 2"))
    assert load().keep_days == 2
    assert load(write("keep_days = 3")).keep_days == 3


def test_domains_and_hosts_are_compared_in_one_spelling(write):
    found = load(write('own_domains = ["Example.ORG."]\nown_hosts = ["MX1.example.org"]'))
    assert (found.own_domains, found.own_hosts) == (("example.org",), ("mx1.example.org",))


@pytest.mark.parametrize(("text", "said"), [
    ("stor = 'x'", "Is it `store`?"),
    ("[[follow]]\nkind = 'postfix'\npaht = 'x'", "Is it `path`?"),
    ("nonsense = 1", "The settings are: "),
    ("store = 5", "`store` has to be a text"),
    ("own_domains = 'example.org'", "`own_domains` has to be a list of texts"),
    ("own_domains = [1]", "`own_domains` has to be a list of texts"),
    ("hash_recipients = 'yes'", "true or false"),
    ("keep_days = true", "`keep_days` has to be a number"),
    ("keep_days = 0", "`keep_days` has to be at least 1"),
    ("keep_days = nan", "`keep_days` has to be at least 1"),
    ("zone = 'Europe/Belin'", "Europe/Belin"),
    ("zone = '../../etc/passwd'", "no time zone"),
    ("follow = 5", "[[follow]]"),
    ("[follow]\nkind = 'postfix'", "[[follow]]"),
    ("[[follow]]\nkind = 'postfix'", "one of path, maildir or imap"),
    ("[[follow]]\npath = 'x'", "has no kind"),
    ("[[follow]]\nkind = 'postfix'\npath = 'x'\nimap = 'y'", "one of path, maildir or imap"),
    ("[[follow]]\nkind = 'postfix'\npath = 'x'\nevery = 0", "`[[follow]] number 1: every` has to be above 0"),
    ("[[follow]]\nkind = 'postfix'\npath = 'x'\nzone = 'Nowhere'", "no time zone called 'Nowhere'"),
    ("watch = 1", "[watch]"),
    ("[thresholds]\nbounce = 5", "5 % is 0.05"),
    ("[thresholds]\nbounce = '5 %'", "thresholds.bounce"),
    ("[thresholds]\nadress = 0.05", "`address`"),
    ("[watch]\nlive_evry = 600", "`live_every`"),
    ("[watch]\nlive_every = '600'", "watch.live_every"),
    ("[watch]\nresolvers = '192.0.2.53'", "a list of texts"),
    ("[alerts]\nquite = '22:00-07:00'", "`quiet`"),
    ("[alerts.channels]\nnight = 1", "[alerts.channels.NAME]"),
    ("[alerts.channels.night]\nleasst = 'critical'", "`least`"),
    ("[suppress]\nfull_days = 1", "2 at least"),
    ("[suppress]\nblock_days = 3", "no setting called `block_days`"),
    ("store = ", "not TOML"),
    ("[[follow]]\nimap = 'imaps://news:secret@mail.example.org/INBOX'", "FIVEFIFTY_KEY_"),
])
def test_what_is_wrong_is_told(write, text, said):
    path = write(text)
    with pytest.raises(InputError) as found:
        load(path)
    assert said in str(found.value) and path in str(found.value) and "secret" not in str(found.value)


def test_files_that_can_not_be_read(write, tmp_path):
    with pytest.raises(InputError, match="no such settings file"):
        load(str(tmp_path / "missing.toml"))
    with pytest.raises(InputError, match="could not be read"):
        load(str(tmp_path))
    (tmp_path / "latin.toml").write_bytes(b"store = '\xff'")
    with pytest.raises(InputError, match="could not be read"):
        load(str(tmp_path / "latin.toml"))


def test_hidden_recipients_need_a_key(tmp_path, monkeypatch):
    from fivefifty.cli._store import settings_of, store_of
    from fivefifty.errors import InputError
    from fivefifty.model import Event

    path = tmp_path / "s.toml"
    path.write_text("hash_recipients = true\n")
    monkeypatch.delenv("FIVEFIFTY_KEY_HASH", raising=False)
    with pytest.raises(InputError, match="key of at least 16"):
        store_of(str(tmp_path / "a.db"), settings_of(str(path)))
    monkeypatch.setenv("FIVEFIFTY_KEY_HASH", "0123456789abcdef")
    store = store_of(str(tmp_path / "a.db"), settings_of(str(path)))
    store.add([Event("bounce", "x", 1793613600.0, recipient="jane@example.org", text="550 <jane@example.org> no", template="550 <recipient> no")])
    (back,) = store.history("Jane@example.org")
    store.close()
    assert "jane" not in repr(back) and b"jane" not in (tmp_path / "a.db").read_bytes()


def test_the_names_of_settings_are_those_that_are_asked_for():
    from fivefifty.plan.alert import LIMITS
    from fivefifty.plan.suppression import SOFT
    from fivefifty.settings import _TABLES

    assert set(_TABLES["thresholds"]) == set(LIMITS)
    assert {name.partition("_")[0] for name in _TABLES["suppress"]} == {rule.id for rule in SOFT}


def test_the_rules_of_soft_failures_follow_the_settings(write):
    from fivefifty.plan.suppression import SOFT, rules_of

    full, domain = rules_of(load(write("[suppress]\nfull_days = 5\nfull_within = 30\nfull_lasts = 7")).suppress).soft
    assert (full.days, full.within, full.lasts) == (5, 30, 7) and domain == SOFT[1]
