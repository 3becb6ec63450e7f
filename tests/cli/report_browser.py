# report_browser.py REPORT.html: the page in a browser, wide and narrow, light and dark: all of it is there, its film
# plays, nothing is fetched, and nothing is said in the console.
import json
import os
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

path = os.path.abspath(sys.argv[1])
options = Options()
for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions",
             "--disable-background-networking", "--no-first-run", f"--user-data-dir={os.getcwd()}/browser"):
    options.add_argument(word)
options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
ask = driver.execute_script


def until(condition):
    for _ in range(200):
        if ask("return " + condition):
            return
        time.sleep(0.05)
    raise AssertionError(condition)


def show(width, scheme):
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    assert ask("return document.documentElement.scrollWidth") <= width
    # What is wider than the page is so in a box of its own.
    wide = ask("""return Array.from(document.querySelectorAll('main *')).filter(function (element) {
      return element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.box, pre');
    }).map(function (element) { return element.outerHTML.slice(0, 80); });""")
    assert not wide, wide
    return ask("return getComputedStyle(document.body).backgroundColor")


def check_figures():
    broken = ask("""return Array.from(document.querySelectorAll('figure')).filter(function (figure) {
      const shown = Array.from(figure.querySelectorAll('img, canvas, table')).filter(function (part) {
        const box = part.getBoundingClientRect();
        return box.width > 20 && box.height > 20 && (part.tagName !== 'IMG' || part.naturalWidth > 20);
      });
      return shown.length === 0;
    }).map(function (figure) { return figure.id; });""")
    assert not broken, broken
    assert ask("return document.querySelectorAll('figure img.plot').length") >= 4
    assert not ask("return document.querySelectorAll('figure img.plot:not([alt]), figure img.plot[alt=\"\"]').length")
    for link in ask("return Array.from(document.querySelectorAll('a.csv')).map(function (a) { return a.href; });"):
        assert link.startswith("data:text/csv")
    for anchor in ask("return Array.from(document.querySelectorAll('nav a')).map(function (a) { return a.hash; });"):
        assert ask("return document.getElementById(arguments[0].slice(1)) !== null", anchor), anchor


def press(key):
    ask("document.querySelector('.player').dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))",
        key)


def check_film():
    frame = "Number(document.querySelector('.player').dataset.frame)"
    last = ask("return Number(document.querySelector('figure.film').dataset.frames)") - 1
    until("document.querySelector('.playing-film .player canvas') !== null")
    assert last >= 2 and ask("return " + frame) == 0
    picture = "return document.querySelector('.player canvas').toDataURL()"
    first = ask(picture)
    press("ArrowRight")
    assert ask("return " + frame) == 1 and ask(picture) != first
    press("End")
    assert ask("return " + frame) == last
    press("ArrowLeft")
    assert ask("return " + frame) == last - 1
    press("Home")
    press("+")
    press("+")
    assert ask("return document.querySelector('.player select').value") == "4"
    ask("window.seen = new Set(); window.look = setInterval(function () { window.seen.add(%s); }, 5)" % frame)
    press(" ")
    until("window.seen.size > 2")
    press("b")
    assert ask("return document.querySelector('.player button[aria-pressed]').getAttribute('aria-pressed')") == "true"
    ask("window.seen.clear()")
    until("window.seen.size > 2")
    press(" ")
    stopped = ask("return " + frame)
    ask("window.seen.clear()")
    time.sleep(0.3)
    assert ask("return Array.from(window.seen)") == [stopped]
    ask("const s = document.querySelector('.player input'); s.value = 1; s.dispatchEvent(new Event('input'))")
    assert ask("return " + frame) == 1
    assert ask("return document.querySelector('.player .where').textContent").startswith(f"frame 2 of {last + 1}, ")


try:
    driver.get("about:blank")
    driver.get_log("performance")  # what the browser's own first page does
    driver.get("file://" + path)
    until("document.querySelectorAll('figure.film').length === document.querySelectorAll('.playing-film').length")
    grounds = [show(1280, "light"), show(400, "light")]
    check_figures()
    grounds += [show(400, "dark"), show(1280, "dark")]
    check_figures()
    assert grounds[0] == grounds[1] == "rgb(255, 255, 255)" and grounds[2] == grounds[3] == "rgb(26, 26, 26)", grounds
    check_film()
    assert ask("return document.title") == "A <b>title</b>"
    said = [entry["message"] for entry in driver.get_log("browser")]
    assert not said, said
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    fetched = {url for url in asked if not url.startswith("data:")}
    assert fetched == {"file://" + path}, fetched
    # Without scripts the strip stands where the player was.
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.refresh()
    strip = driver.find_element("css selector", "figure.film .strip img")
    assert strip.is_displayed() and not driver.find_element("css selector", ".player").is_displayed()
finally:
    driver.quit()
