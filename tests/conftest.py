"""Shared by every test. The environment is set first: nothing of Qt may be imported before it.

Tests are training: no card is real. Chromium's sandbox stays on for a normal user and is off only for root.
"""

import os

from cashier import environment

environment.clean(os.environ, training=True, is_root=environment.is_root())
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = "--disable-gpu"
