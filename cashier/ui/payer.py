"""A payer for training: works the sandbox's hosted page in the sealed view, as the tour and tests need it.

It runs script in the page, which is never done to a real one: it refuses any page that is not on this
machine.
"""

import asyncio
import json
from collections.abc import Callable

from PySide6.QtWebEngineCore import QWebEnginePage
from PySide6.QtWebEngineWidgets import QWebEngineView

from cashier.ui.payment_view import PaymentView
from cashier.ui.top_level_policy import LOOPBACK_HOSTS

#: How long a condition is waited for, seconds; generous, since the machine may be busy.
PATIENCE_S = 30.0
LOOK_AGAIN_S = 0.03
#: From a frame of the page to the frame of the window that has it in it.
SHOWN_S = 0.2


async def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition. Raises TimeoutError saying what was waited for."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s
    while not condition():
        if loop.time() > end:
            raise TimeoutError(f"waited {patience_s:.0f} s in vain for {what}")
        await asyncio.sleep(LOOK_AGAIN_S)


class Payer:
    """Somebody before the hosted page."""

    def __init__(self, view: PaymentView) -> None:
        self._view = view

    def _page(self) -> QWebEnginePage:
        engine = self._view.findChild(QWebEngineView)
        if engine is None or engine.page().url().host() not in LOOPBACK_HOSTS:
            raise RuntimeError("a payer works only on a sandbox page of this machine")
        return engine.page()

    async def run(self, script: str) -> object:
        """The value of a script, through JSON."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def done(text: object) -> None:
            if not answer.done():
                answer.set_result(json.loads(str(text)) if text else None)

        self._page().runJavaScript(f"JSON.stringify((() => {{ {script} }})() ?? null)", 0, done)
        return await asyncio.wait_for(answer, PATIENCE_S)

    async def sees(self, text: str) -> None:
        """Wait until the page shows a text."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_S
        while not await self._shows(text):
            if loop.time() > end:
                raise TimeoutError(f"the page never showed {text!r}")
            await asyncio.sleep(LOOK_AGAIN_S)

    async def settled(self) -> None:
        """Wait until the page has painted what it shows: two of its frames."""
        await self.run(
            "window.painted = 0;"
            "const count = () => { if (++window.painted < 3) requestAnimationFrame(count) };"
            "requestAnimationFrame(count); return true"
        )
        while not await self.run("return window.painted >= 3"):
            await asyncio.sleep(LOOK_AGAIN_S)
        await asyncio.sleep(SHOWN_S)

    async def _shows(self, text: str) -> bool:
        engine = self._view.findChild(QWebEngineView)
        if not self._view.is_open or engine is None or engine.page().url().isEmpty():
            return False  # not there yet
        script = "return document.readyState === 'complete' && !!document.body && "
        script += f"document.body.innerText.toLowerCase().includes({json.dumps(text.lower())})"
        return bool(await self.run(script))

    async def fill(self, name: str, value: str) -> None:
        """Fill a field by its name."""
        await self.run(
            f"const field = document.querySelector({json.dumps(f'[name={name}]')});"
            f"if (!field) throw new Error('no field');"
            f"if (field.type === 'checkbox') field.checked = {json.dumps(bool(value))};"
            f"else field.value = {json.dumps(value)}; return true"
        )

    async def choose(self, name: str, value: str) -> None:
        """Choose a radio button or an option of a list by its value."""
        await self.run(
            f"const one = document.querySelector({json.dumps(f'input[name={name}][value={value!r}]')});"
            f"if (one) {{ one.checked = true; return true }}"
            f"document.querySelector({json.dumps(f'select[name={name}]')}).value = {json.dumps(value)};"
            f"return true"
        )

    async def pay_by_typing(self, card_number: str) -> None:
        """From the options to the receipt or the decline, with a test card typed in."""
        await self.sees("How would you like to pay?")
        await self.choose("method", "card")
        await self.press("Continue")
        await self.sees("Card number")
        for name, value in (("card_number", card_number), ("expiry", "12/30"), ("security_code", "123")):
            await self.fill(name, value)
        await self.press("Continue")
        await self.accept()

    async def pay_by_chip(self) -> None:
        """From the options to the receipt, with the simulated chip reader."""
        await self.sees("How would you like to pay?")
        await self.choose("method", "emv")
        await self.press("Continue")
        await self.sees("Insert or tap on")
        await self.press("Insert card")
        await self.accept()

    async def accept(self) -> None:
        """Tick the terms and press "Process Payment"."""
        await self.sees("Process Payment")
        await self.fill("terms", "yes")
        await self.press("Process Payment")

    async def press_when_seen(self, text: str) -> None:
        """Wait for a button or link, and press it."""
        await self.sees(text)
        await self.press(text)

    async def press(self, text: str) -> None:
        """Press the button or link whose text begins so. Raises LookupError when there is none."""
        pressed = await self.run(
            "const wanted = " + json.dumps(text.lower()) + ";"
            "const found = [...document.querySelectorAll('button, input[type=submit], a')].find(one =>"
            " (one.textContent || one.value || '').trim().toLowerCase().startsWith(wanted));"
            "if (!found) return false; setTimeout(() => found.click(), 0); return true"
        )
        if not pressed:
            raise LookupError(f"the page has no button {text!r}")
