#!/usr/bin/python3
"""Reports as a browser shows them: headless Chromium at 1300 and 400 px, light and dark, and as printed.

    page_test.py FLARE REPORT_TEST      the built program, and the test program that writes a synthetic column's report
"""
import html as html_text
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/studies/python"))
import small_study  # noqa: E402

FLARE, REPORT_TEST = (os.path.abspath(path) for path in sys.argv[1:3])
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHECK = (pathlib.Path(__file__).parent / "page_check.js").read_text()
D3 = pathlib.Path("/usr/share/javascript/d3/d3.min.js")
HAS_D3 = D3.exists()

# Whatever a page would load is refused, and told.
GUARD = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline';
script-src 'unsafe-inline'"><script>window.violations = [];
window.addEventListener("error", function (e) { window.violations.push("error: " + e.message); });
document.addEventListener("securitypolicyviolation", function (e) { window.violations.push("asks for " + e.blockedURI); });</script>"""

HOSTILE = ("""title = "</title><script>document.body.innerHTML = 'taken'</script><img src=http://example.invalid/x.png>"
target = "3 sigma"
""" + small_study.MEASURE + small_study.spec("a <b> & 'c' `d`", min="0.75 V") + small_study.spec("high", max="1.2 V") + small_study.DIE)


def checked(page, folder, width, dark, printed=False):
    """What page_check.js says of the page."""
    html = page.read_text()
    # Two faults that look alike in a browser: a page made without the library, and a library that did not run.
    assert not HAS_D3 or D3.read_text() in html, f"{page} was made without D3, which is installed"
    values = f"var DARK = {str(dark).lower()}, PRINTED = {str(printed).lower()}, D3_EXPECTED = {str(HAS_D3).lower()};\n"
    html = html.replace("<head>", "<head>" + GUARD, 1)
    if printed:  # the rules for paper on a screen as wide as a page is
        html = html.replace("@media print", "@media all")
    before, after = html.rsplit("</body>", 1)
    copy = pathlib.Path(folder) / f"checked_{width}_{dark}_{printed}.html"
    framed = html_text.escape(f"{before}<script>{values}{CHECK}</script></body>{after}")
    # In a frame, since a window of the browser is 500 px wide at least.
    copy.write_text(f'<!DOCTYPE html><title></title><iframe style="border: 0; width: {width}px; height: 900px" srcdoc="{framed}">'
                    "</iframe>")
    shown = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile", f"--window-size={width + 100},1000",
         f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=100, check=False)
    title = re.search(r"<title>CHECKED (.*?)</title>", shown.stdout, re.S)
    if title is None:
        raise AssertionError("the page was not checked: " + shown.stderr[-2000:])
    text = title.group(1).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return json.loads(text)


@unittest.skipUnless(CHROMIUM, "chromium is not installed (Debian: apt install chromium)")
class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.folder = pathlib.Path(cls.keep.name)
        cls.pages = {"hostile": cls.report(small_study.write(cls.folder, HOSTILE, "hostile.toml"), "hostile"),
                     "circuit": cls.report(ROOT / "studies/gallery/rc_corner.toml", "circuit"),
                     "column": cls.column()}

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @classmethod
    def report(cls, study, name):
        small_study.must_run(FLARE, cls.folder, "run", study, "-o", f"{name}.h5", "-j", "1")
        small_study.must_run(FLARE, cls.folder, "report", f"{name}.h5", "-o", name)
        return cls.folder / name / "index.html"

    @classmethod
    def column(cls):
        test = "PageHoldsTablesFiguresAndNeedsNoNetwork"
        made = subprocess.run([REPORT_TEST, f"--gtest_filter=*.{test}"], capture_output=True, text=True, check=False,
                              env={**os.environ, "FLARE_KEEP_REPORT": "1", "TMPDIR": str(cls.folder)})
        assert made.returncode == 0, made.stdout
        return cls.folder / f"flare_report_test_{test}" / "out/report/index.html"

    def expect_right(self, kind, width, dark, printed=False):
        said = checked(self.pages[kind], self.folder, width, dark, printed)
        self.assertEqual(said["width"], width, "the browser has another width")
        self.assertEqual(said["wrong"], [], f"{kind} page at {width} px{', dark' if dark else ''}")

    def test_wide(self):
        for kind in self.pages:
            self.expect_right(kind, 1300, False)

    def test_wide_and_dark(self):
        self.expect_right("column", 1300, True)

    def test_phone(self):
        self.expect_right("column", 400, False)
        self.expect_right("circuit", 400, False)

    def test_phone_and_dark(self):
        self.expect_right("circuit", 400, True)

    def test_printed(self):
        # A4 between margins of 1 cm at 96 dots an inch.
        self.expect_right("column", 718, False, printed=True)
        self.expect_right("circuit", 718, False, printed=True)

    def test_a_wrong_page_is_found(self):
        page = self.folder / "bad.html"
        html = self.pages["circuit"].read_text()
        page.write_text(html.replace("<h1>", '<img src="http://example.invalid/a.png"><a href="#gone">x</a>'
                                     '<div style="width: 30px; overflow: hidden; white-space: nowrap">a text that is cut</div><h1>'))
        wrong = " ".join(checked(page, self.folder, 1300, False)["wrong"])
        for what in ("example.invalid", "#gone", "cut by its box"):
            self.assertIn(what, wrong)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
