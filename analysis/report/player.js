// Plays a report's films: every figure of the class "film", from the sheet of its frames. Without this script the strip
// of frames stays where it is.
(function () {
  "use strict";
  const zoomed = 160, gap = 8, still = 0.1, speeds = [0.25, 0.5, 1, 2, 4];

  function make(kind, parent, text) {
    const made = document.createElement(kind);
    if (text) made.textContent = text;
    parent.appendChild(made);
    return made;
  }

  function key(parent, text, name, act) {
    const made = make("button", parent, text);
    made.type = "button";
    made.title = name;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", act);
    return made;
  }

  function film(figure) {
    const about = figure.dataset, frames = Number(about.frames), columns = Number(about.columns),
      width = Number(about.width), height = Number(about.height), start = Number(about.start),
      dt = about.dt === undefined ? NaN : Number(about.dt), views = about.views.split("|"),
      errors = about.error ? about.error.split(" ") : [], sheet = figure.querySelector("img.sheet"),
      player = figure.querySelector(".player"), zoom = Math.max(1, Math.round(zoomed / width));
    let frame = 0, playing = false, backward = false, speed = 1, last = 0, owed = 0;

    const titles = make("div", player);
    titles.className = "views";
    views.forEach(function (view) { make("span", titles, view); });
    const canvas = make("canvas", player), paint = canvas.getContext("2d");
    canvas.width = views.length * zoom * width + (views.length - 1) * gap;
    canvas.height = zoom * height;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", figure.querySelector(".strip img").alt);
    const slider = make("input", player);
    slider.type = "range";
    slider.min = 0;
    slider.max = frames - 1;
    slider.setAttribute("aria-label", "frame");
    const keys = make("div", player);
    keys.className = "keys";
    const play = key(keys, "Play", "play or pause (space)", toggle);
    key(keys, "\u25c2\u2006|", "one frame back (left arrow)", function () { step(-1); });
    key(keys, "|\u2006\u25b8", "one frame on (right arrow)", function () { step(1); });
    const turned = key(keys, "Backward", "play backward (b)", turn);
    const choice = make("select", keys);
    choice.setAttribute("aria-label", "speed");
    speeds.forEach(function (value) { make("option", choice, value + "\u00d7").value = value; });
    const where = make("p", player);
    where.className = "where";
    where.setAttribute("aria-live", "off");
    make("p", player, "Space: play, pause. Arrows: step. Home, End. b: backward. + and -: speed.").className = "hint";

    function show() {
      const across = frame % columns, down = Math.floor(frame / columns);
      paint.imageSmoothingEnabled = false;
      paint.clearRect(0, 0, canvas.width, canvas.height);
      views.forEach(function (view, i) {
        paint.drawImage(sheet, (across * views.length + i) * width, down * height, width, height,
          i * (zoom * width + gap), 0, zoom * width, zoom * height);
      });
      slider.value = frame;
      player.dataset.frame = frame;
      where.textContent = "frame " + (frame + 1) + " of " + frames +
        (isNaN(dt) ? "" : ", " + (start + frame * dt).toFixed(3) + " s") +
        (errors[frame] && errors[frame] !== "nan" ? ", squared error " + errors[frame] : "");
    }
    function go(to) {
      frame = (to % frames + frames) % frames;
      show();
    }
    function step(by) {
      pause();
      go(Math.min(frames - 1, Math.max(0, frame + by)));
    }
    function pause() {
      playing = false;
      play.textContent = "Play";
    }
    function toggle() {
      if (playing) {
        pause();
        return;
      }
      playing = true;
      play.textContent = "Pause";
      last = owed = 0;
      requestAnimationFrame(tick);
    }
    function turn() {
      backward = !backward;
      turned.setAttribute("aria-pressed", String(backward));
    }
    function hurry(by) {
      const next = Math.min(speeds.length - 1, Math.max(0, speeds.indexOf(speed) + by));
      speed = speeds[next];
      choice.value = speed;
    }
    // True speed is one frame each dt; what is too slow or too fast to be watched is not.
    function tick(now) {
      const each = Math.min(0.5, Math.max(1 / 60, isNaN(dt) || dt === 0 ? still : Math.abs(dt)));
      if (!playing) return;
      if (last > 0) owed += (now - last) / 1000 * speed / each;
      last = now;
      const whole = Math.floor(owed);
      if (whole > 0) {
        owed -= whole;
        go(frame + (backward ? -whole : whole));
      }
      requestAnimationFrame(tick);
    }
    const acts = {
      " ": toggle, "ArrowLeft": function () { step(-1); }, "ArrowRight": function () { step(1); },
      "Home": function () { step(-frames); }, "End": function () { step(frames); }, "b": turn,
      "+": function () { hurry(1); }, "-": function () { hurry(-1); }
    };
    player.tabIndex = 0;
    player.setAttribute("role", "group");
    player.setAttribute("aria-label", "player");
    player.addEventListener("keydown", function (event) {
      const act = acts[event.key], kind = event.target.tagName;
      if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
      if (kind === "SELECT" || (kind === "BUTTON" && event.key === " ")) return;
      event.preventDefault();
      act();
    });
    slider.addEventListener("input", function () {
      pause();
      go(Number(slider.value));
    });
    choice.addEventListener("change", function () { speed = Number(choice.value); });
    choice.value = speed;
    turned.setAttribute("aria-pressed", "false");
    figure.classList.add("playing-film");
    show();
  }

  document.querySelectorAll("figure.film").forEach(function (figure) {
    const sheet = figure.querySelector("img.sheet");
    sheet.decode().then(function () { film(figure); }, function () {});
  });
}());
