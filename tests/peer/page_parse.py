# page_parse.py DIR TEXT: what test_page.c has written, read by parsers that are not ours: every place of the text holds
# it unchanged, and nothing of it has become markup.
import base64
import csv
import io
import re
import sys
import xml.etree.ElementTree

folder, nasty = sys.argv[1], open(sys.argv[2]).read()
XHTML = "{http://www.w3.org/1999/xhtml}"
html = open(folder + "/report.html", encoding="utf-8").read()
assert html.startswith("<!DOCTYPE html>")
root = xml.etree.ElementTree.fromstring(html)
find = lambda path: root.findall(".//" + "/".join(XHTML + name for name in path.split("/")))
text = lambda element: "".join(element.itertext())

ids = [element.get("id") for element in root.iter() if element.get("id")]
assert len(ids) == len(set(ids)) == 6, ids
assert {"part", "part-2", "part--b-", "table", "figure", "film"} == set(ids), ids
assert text(find("title")[0]) == text(find("h1")[0]) == nasty
assert text(find("h2")[0]) == "Part " + nasty
assert [a.get("href") for a in find("nav/a")] == ["#part", "#part-2"]
paragraphs = [text(p) for p in find("p")]
assert paragraphs.count(nasty) == 2 and "1. no list" in paragraphs
for name in "Warning", "Missing", "Note":
    assert "%s: %s" % (name, nasty) in paragraphs
assert any(p.startswith('Missing: The figure "Nothing" could not be drawn: gnuplot') for p in paragraphs)
assert text(find("summary")[0]) == nasty
assert [text(p) for p in find("pre")] == ["lines\n  ```` " + nasty + "\n]]>\n", nasty]
assert len(find("script")) == 1 and not find("b/script")
cells = [text(cell) for cell in find("td")]
assert cells == [nasty, "1.250", "two lines\\x1b[31m, ?", ""], cells
assert [text(cell) for cell in find("th")] == ["run", nasty]

images = find("img")
assert [image.get("alt") for image in images] == ["A line. " + nasty, "", nasty]
drawn = base64.b64decode(images[0].get("src").split(",")[1])
svg = xml.etree.ElementTree.fromstring(drawn)
words = "".join(svg.itertext()).replace("\xa0", " ")
assert words.count(nasty) == 3, words  # the title, the key, and what the curve is called
assert open(folder + "/figures/figure.svg", "rb").read() == drawn
assert base64.b64decode(images[1].get("src").split(",")[1]) == b"\x89PNG sheet"
film = [figure for figure in find("figure") if figure.get("class") == "film"][0]
assert film.get("data-error") == "0.001 0.002" and film.get("data-views") == "truth|" + nasty.replace("|", "/")

links = {a.get("download"): base64.b64decode(a.get("href").split(",")[1]).decode() for a in find("a") if a.get("download")}
assert list(csv.reader(io.StringIO(links["table.csv"]))) == [["run", nasty], [nasty, "1.250"], [cells[2], ""]]
assert links["table.csv"] == open(folder + "/data/table.csv").read()
assert links["figure.csv"] == "x,y\n1,2\n" == open(folder + "/data/figure.csv").read()
for source in re.findall(r'(?:src|href)="([^"]*)"', html):
    assert source.startswith(("data:", "#")), source

markdown = open(folder + "/report.md", encoding="utf-8").read()
outside = re.sub(r"(`{4,})\n.*?\n\1\n|(```)\n.*?\n\2\n", "", markdown, flags=re.S)
assert "````` \n" not in markdown and "`````\nlines\n" in markdown
assert not re.search(r"(?<!\\)<(?!details>|summary>|/details>|/summary>)", outside), outside
rows = [line for line in outside.splitlines() if line.startswith("|")]
assert len(rows) == 4
for row in rows:
    assert len(re.findall(r"(?<!\\)\|", row.replace("\\\\", ""))) == 3, row
for mark in "`", "*", "[":
    assert not [line for line in rows if re.search(r"(?<!\\)" + re.escape(mark), line.replace("\\\\", ""))], mark
assert "1\\. no list" in outside and "\\# no heading" in outside
