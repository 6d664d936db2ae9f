"""Settings changed at the till: by whom, journalled, saved whole or not at all."""

from pathlib import Path

import pytest

from cashier.domain.accounts import Secret
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.settings_change import Source, flatten
from cashier.till.administration import NOT_HERE, Administration
from tests.fakes.administration import FakeAdministration
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, at_once
from tests.till.conftest import Desk


@pytest.fixture
def fake(desk: Desk, tmp_path: Path) -> FakeAdministration:
    """The till can change its settings, and its administrator is at it."""
    made = FakeAdministration(tmp_path)
    desk.tools = made.tools
    desk.restart()
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    desk.till.administration.note_start(made.file.effective(made.file.read()))
    return made


def settings(desk: Desk) -> Administration:
    return desk.till.administration


def test_a_change_is_journalled_with_who_and_what(desk: Desk, fake: FakeAdministration) -> None:
    table = settings(desk).read()
    table["drawer"]["soft_limit"] = "750.00"
    table["billers"][0]["invoice_types"]["43"] = "Permits"
    made = settings(desk).save(table)
    assert [(one.key, one.before, one.after) for one in made] == [
        ("billers[town].invoice_types[43]", None, "Permits"),
        ("drawer.soft_limit", "500.00", "750.00"),
    ]
    [first, *_rest] = settings(desk).history()
    assert (first.who, first.source, first.changes) == (SUPERVISOR, Source.PAGE, made)
    assert settings(desk).waits_for_start
    assert fake.file.read() == table


def test_faults_are_told_all_at_once_and_nothing_is_saved_or_journalled(
    desk: Desk, fake: FakeAdministration
) -> None:
    before = desk.journal.head()
    table = settings(desk).read()
    table["till"], table["billers"][0]["card_maximum"] = "a", "much"
    with pytest.raises(Refused) as refused:
        settings(desk).save(table)
    assert len(refused.value.faults) == 2
    assert desk.journal.head() == before and fake.path.read_text() == fake.text


def test_nothing_changed_is_told(desk: Desk, fake: FakeAdministration) -> None:
    with pytest.raises(Refused, match="Nothing is changed"):
        settings(desk).save(settings(desk).read())


def test_a_clerk_may_not_even_look(desk: Desk, fake: FakeAdministration) -> None:
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
    administration = settings(desk)
    for verb in (
        administration.read,
        administration.history,
        lambda: administration.save({}),
        lambda: administration.set_secret("api-key-town", Secret("x")),
        lambda: administration.has_secret("api-key-town"),
        lambda: administration.export(fake.folder / "out.toml"),
        lambda: at_once(administration.test_key("town")),
    ):
        with pytest.raises(Refused, match="administrator"):
            verb()
    assert not fake.secrets.kept


def test_a_training_session_brings_its_settings_with_it(desk: Desk) -> None:
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    assert settings(desk).refusal == NOT_HERE


def test_an_empty_disk_in_mid_save_is_told_by_the_next_start(desk: Desk, fake: FakeAdministration) -> None:
    table = settings(desk).read()
    table["agency"] = "City of Sampleton"
    (fake.folder / "settings.toml.part").mkdir()  # the file cannot be written
    with pytest.raises(Unavailable):
        settings(desk).save(table)
    assert not settings(desk).waits_for_start
    made = settings(desk).note_start(fake.file.effective(fake.file.read()))
    assert [(one.key, one.after) for one in made] == [("agency", "Town of Sampleton")]


def test_nothing_is_written_when_the_journal_refuses(desk: Desk, fake: FakeAdministration) -> None:
    table = settings(desk).read() | {"agency": "City of Sampleton"}
    desk.journal.disk_full = True
    with pytest.raises(Unavailable):
        settings(desk).save(table)
    assert fake.path.read_text() == fake.text


def test_what_was_changed_in_the_file_is_journalled_once_by_the_start_that_finds_it(
    desk: Desk, fake: FakeAdministration
) -> None:
    fake.path.write_text(fake.text.replace("5000.00", "9000.00"))
    effective = fake.file.effective(fake.file.read())
    [change] = settings(desk).note_start(effective)
    assert (change.key, change.before, change.after) == ("billers[town].card_maximum", "5000.00", "9000.00")
    assert settings(desk).note_start(effective) == ()
    [first, *_rest] = settings(desk).history()
    assert (first.source, first.who) == (Source.FILE, "")


def test_a_secret_is_journalled_as_set_and_never_as_what_it_is(desk: Desk, fake: FakeAdministration) -> None:
    settings(desk).set_secret("api-key-town", Secret(" good-key "))
    assert fake.secrets.kept == {"api-key-town": "good-key"}
    [entry] = desk.entries(EntryKind.SECRET_SET)
    assert entry.body == {"who": SUPERVISOR, "name": "api-key-town"}
    at_once(settings(desk).test_key("town"))


@pytest.mark.parametrize("text", ["", "   ", "two words", "ümlaut", "x" * 5000, "new\nline"])
def test_what_is_no_key_is_not_kept(desk: Desk, fake: FakeAdministration, text: str) -> None:
    with pytest.raises(Refused) as refused:
        settings(desk).set_secret("api-key-town", Secret(text))
    assert not fake.secrets.kept and not desk.entries(EntryKind.SECRET_SET)
    assert not text.strip() or text not in refused.value.user_text


def test_a_locked_keyring_journals_nothing(desk: Desk, fake: FakeAdministration) -> None:
    fake.secrets.locked = True
    with pytest.raises(Refused, match="locked"):
        settings(desk).set_secret("api-key-town", Secret("good-key"))
    assert not desk.entries(EntryKind.SECRET_SET)


def test_a_typed_key_is_tested_before_it_is_kept(desk: Desk, fake: FakeAdministration) -> None:
    at_once(settings(desk).test_key("town", Secret("good-key")))
    with pytest.raises(Refused, match="does not know"):
        at_once(settings(desk).test_key("town", Secret("bad-key")))
    assert not fake.secrets.kept


def test_card_numbers_never_come_into_the_journal_by_way_of_the_settings() -> None:
    assert flatten({"readers": [{"id": "lane", "emv_device_id": "4111111111111111"}]}) == {
        "readers[lane].id": "lane",
        "readers[lane].emv_device_id": "[card number removed]",
    }


@pytest.mark.parametrize(("key", "value"), [("site", "elsewhere"), ("till", "B")])
def test_the_site_and_the_code_of_a_till_with_a_journal_stay(
    desk: Desk, fake: FakeAdministration, key: str, value: str
) -> None:
    assert key in settings(desk).fixed()
    with pytest.raises(Refused, match="Set up another till"):
        settings(desk).save(settings(desk).read() | {key: value})
    assert fake.path.read_text() == fake.text


def test_a_password_may_have_signs_that_no_key_has(desk: Desk, fake: FakeAdministration) -> None:
    settings(desk).set_secret("mail-password", Secret(" correct hôrse "))
    assert fake.secrets.kept == {"mail-password": " correct hôrse "}


def test_a_secret_that_the_journal_cannot_record_is_told_as_set(desk: Desk, fake: FakeAdministration) -> None:
    desk.journal.disk_full = True
    with pytest.raises(Unavailable, match="It is set and counts"):
        settings(desk).set_secret("api-key-town", Secret("good-key"))
    assert fake.secrets.kept == {"api-key-town": "good-key"}
