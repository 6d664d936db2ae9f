"""`sale request` and `sale launch`: five partners' samples byte for byte, and every kind of bad sale file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import DATA, Cashier, tree

PARTNERS = ("cloudpermit", "grancius", "leadsonline", "mcci", "sagesgov")
Members = dict[str, Any]


def sale_file(folder: Path, change: Callable[[Members], object] | None = None, name: str = "mcci") -> Path:
    members = json.loads((DATA / "sales" / f"{name}.json").read_bytes())
    if change is not None:
        change(members)
    file = folder / "sale.json"
    file.write_text(json.dumps(members), encoding="utf-8")
    return file


@pytest.mark.parametrize("partner", PARTNERS)
def test_exact_is_the_partners_sample_byte_for_byte(partner: str, cashier: Cashier) -> None:
    ended = cashier("sale", "request", "--exact", "--input", DATA / "sales" / f"{partner}.json")
    assert (ended.code, ended.err) == (0, ())
    assert ended.out == (DATA / "samples" / f"{partner}.json").read_bytes()


@pytest.mark.parametrize("partner", PARTNERS)
def test_without_exact_the_counter_adds_its_own(partner: str, cashier: Cashier) -> None:
    ended = cashier("sale", "request", "--input", DATA / "sales" / f"{partner}.json")
    assert (ended.code, ended.err) == (0, ())
    told, sample = json.loads(ended.out), json.loads((DATA / "samples" / f"{partner}.json").read_bytes())
    assert str(told["PostBackURL"]).startswith("https://hub.example.org/pb/v1/")
    assert f"A-{'0' * 32}" in ended.out.decode()
    assert set(sample) - {"ReturnURL"} <= set(told)
    amounts = [row["BalanceDue"] for row in sample.get("Invoices", [])]
    assert [row["BalanceDue"] for row in told.get("Invoices", [])] == amounts


def test_the_settings_of_the_till_shape_it(cashier: Cashier, settings_file: Path) -> None:
    ended = cashier("sale", "request", "--input", DATA / "sales" / "grancius.json")
    assert ended.code == 2  # 300.00 is over this till's 250.00 by card
    assert len(ended.err) == 1
    assert "250.00" in ended.err[0]


def _first_fee(members: Members) -> Members:
    fee: Members = members["invoices"][0]["fees"][0]
    return fee


FAULTS: dict[str, tuple[Callable[[Members], object], str]] = {
    "unknown member": (lambda m: m.update(colour="red"), "colour: unknown member"),
    "amount as a float": (lambda m: _first_fee(m).update(amount=1.5), "invoices[0].fees[0].amount: "),
    "amount with a comma": (lambda m: _first_fee(m).update(amount="1,50"), "invoices[0].fees[0].amount: "),
    "amount with an exponent": (lambda m: _first_fee(m).update(amount="1e3"), "invoices[0].fees[0].amount: "),
    "a tenth of a cent": (lambda m: _first_fee(m).update(amount="1.001"), "invoices[0].fees[0].amount: "),
    "negative amount": (lambda m: _first_fee(m).update(amount="-1.00"), "invoices[0].fees[0].amount: "),
    "no invoice": (lambda m: m.update(invoices=[]), "invoices"),
    "no fee": (lambda m: m["invoices"][0].update(fees=[]), "invoices[0].fees: "),
    "unknown profile": (lambda m: m.update(profile="nosuch"), "profile: "),
    "control characters": (lambda m: m["customer"].update(name="Pat\u0007 Example"), "customer.name: "),
    "too long": (lambda m: m["customer"].update(name="x" * 5000), "customer.name: "),
    "a card number": (lambda m: m.update(profile="4111 1111 1111 1111"), "profile: "),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_of_a_sale_file_is_one_line(kind: str, cashier: Cashier, tmp_path: Path) -> None:
    change, told = FAULTS[kind]
    ended = cashier("sale", "request", "--input", sale_file(tmp_path, change))
    assert (ended.code, ended.out) == (2, b"")
    assert len(ended.err) == 1
    assert ended.err[0].startswith(told)
    assert "4111" not in ended.err[0]


def test_every_fault_has_its_line(cashier: Cashier, tmp_path: Path) -> None:
    def change(members: Members) -> None:
        members.update(colour="red", profile="nosuch")
        _first_fee(members).update(amount="1,50")

    ended = cashier("sale", "request", "--input", sale_file(tmp_path, change))
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 3)


def test_a_type_the_till_does_not_take(cashier: Cashier, tmp_path: Path, settings_file: Path) -> None:
    def change(members: Members) -> None:
        members["invoices"] = members["invoices"][:1]
        members["invoices"][0].update(type_id=77, fees=[{"id": "F", "name": "Fee", "amount": "1.00"}])

    ended = cashier("sale", "request", "--input", sale_file(tmp_path, change, "grancius"))
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith("invoices[0].type_id: ")


CONTENTS = {
    "not JSON": (b"{", "sale: is not JSON"),
    "not UTF-8": (b'{"profile": "\xff"}', "sale: is not UTF-8"),
    "empty": (b"", "sale: is not JSON"),
    "huge": (b" " * 1_000_001, "sale: is larger than"),
    "a list": (b"[]", "sale: "),
    "too deep": (b"[" * 100_000, "sale: is not JSON"),
    "a number too long": (b'{"profile": ' + b"9" * 5000 + b"}", "sale: is not JSON"),
    "NaN": (b'{"profile": NaN}', "sale: NaN"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_content_that_is_no_sale(kind: str, cashier: Cashier, tmp_path: Path) -> None:
    content, told = CONTENTS[kind]
    file = tmp_path / "sale.json"
    file.write_bytes(content)
    ended = cashier("sale", "request", "--input", file)
    assert (ended.code, ended.out) == (2, b"")
    assert any(line.startswith(told) for line in ended.err), ended.err


@pytest.mark.parametrize(("name", "reason"), [("nosuch.json", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read(name: str, reason: str, cashier: Cashier, tmp_path: Path) -> None:
    ended = cashier("sale", "request", "--input", tmp_path / name)
    assert (ended.code, ended.out) == (2, b"")
    assert ended.err == (f"{tmp_path / name}: cannot be read: {ended.err[0].rpartition(': ')[2]}",)
    assert reason in ended.err[0]


def test_a_settings_file_that_was_named_must_be_there(cashier: Cashier, tmp_path: Path) -> None:
    """Left out, the sale would be held to nobody's limits without a word."""
    ended = cashier("--settings", tmp_path / "nosuch.toml", "sale", "request", "--input", sale_file(tmp_path))
    assert (ended.code, ended.out) == (2, b"")
    assert ended.err == (f"{tmp_path / 'nosuch.toml'}: no settings file",)


def test_launch_without_settings_or_secrets_leaves_nothing(
    cashier: Cashier, tmp_path: Path, home: Path, settings_file: Path
) -> None:
    before = tree(home)
    sale = sale_file(tmp_path, lambda m: _first_fee(m).update(amount="1.00"), "grancius")
    faulty = sale_file(home, lambda m: m.update(colour="red"))
    for file, told in ((sale, "The secret 'till-key' is missing."), (faulty, "colour: unknown member")):
        ended = cashier("sale", "launch", "--input", file)
        assert (ended.code, ended.out) == (2, b"")
        assert ended.err[0].startswith(told)
    faulty.unlink()
    assert [path for path in tree(home) if path.is_file()] == [path for path in before if path.is_file()]
    settings_file.unlink()
    ended = cashier("sale", "launch", "--input", sale)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert "no settings file" in ended.err[0]


def test_launch_with_a_training_sessions_settings_is_refused(
    cashier: Cashier, tmp_path: Path, settings_file: Path
) -> None:
    settings_file.write_text("training = true\n" + settings_file.read_text())
    ended = cashier("sale", "launch", "--input", sale_file(tmp_path))
    assert (ended.code, ended.out) == (2, b"")
    assert ended.err == ("The settings file is for training. Start with --training instead.",)


def test_a_faulty_sale_starts_no_training(cashier: Cashier, tmp_path: Path, home: Path) -> None:
    file = sale_file(tmp_path, lambda m: m.update(colour="red"))
    ended = cashier("--training", "sale", "launch", "--input", file)
    assert (ended.code, ended.out, ended.err) == (2, b"", ("colour: unknown member",))
    assert tree(home) == []


@pytest.mark.parametrize("wait", ["nan", "-1", "inf", "soon"])
def test_a_wait_that_is_none(wait: str, cashier: Cashier, tmp_path: Path) -> None:
    ended = cashier("--training", "sale", "launch", "--input", sale_file(tmp_path), "--wait", wait)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert "'--wait'" in ended.err[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fault", "decline"), "--fault is for --training only"),
        (("--profile", "leadsonline"), "--profile is for the window in training"),
        (("--training", "--profile", "leadsonline"), "--profile is for the window in training"),
        (("--training", "--fault", "nosuch"), "--fault 'nosuch': is not a fault; there are: decline, slow"),
    ],
)
def test_a_fault_to_train_with(words: tuple[str, ...], told: str, cashier: Cashier, tmp_path: Path) -> None:
    ended = cashier(*words, "sale", "launch", "--input", sale_file(tmp_path))
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith(told)
