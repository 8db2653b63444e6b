// Small parts that pages are made of. Texts are always set as text, never as HTML.
"use strict";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), guard(value));
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// An act whose faults are told on the page (a browser tells none of a script that was opened as a file).
function guard(act) {
  return (...given) => {
    try {
      Promise.resolve(act(...given)).catch(stopped);
    } catch (error) {
      stopped(error);
    }
  };
}

function paragraphs(text) {
  return text.trim().split(/\n\s*\n/).map((part) => element("p", {}, part));
}

// The heading of a page gets the focus, so that a screen reader begins there and Tab goes on from there.
function show(display, title, ...children) {
  const heading = element("h1", { tabindex: "-1" }, title);
  display.replaceChildren(heading, ...children);
  window.scrollTo(0, 0);
  heading.focus({ preventScroll: true });
  return heading;
}

function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", class: "main", onclick, ...attributes }, text);
}

// One of OPTIONS, of which none is chosen at first: [value, text] each.
function choice(name, legend, options, wide) {
  const rows = options.map(([value, text]) =>
    element("label", {}, element("input", { type: "radio", name, value, required: true }), element("span", {}, text)));
  return element("fieldset", { class: wide ? "scale" : "options" }, element("legend", {}, legend), ...rows);
}

function chosen(form, name) {
  const found = form.querySelector(`input[name="${name}"]:checked`);
  return found === null ? null : Number(found.value);
}

// Pictures are loaded once, early, and kept: they show though the server goes away.
const pictures = {
  held: new Map(),

  load(name) {
    if (!this.held.has(name)) {
      const image = new Image();
      const ready = new Promise((resolve) => this.attempt(image, `pictures/${name}`, resolve));
      this.held.set(name, { image, ready });
    }
    return this.held.get(name);
  },

  attempt(image, address, resolve) {
    image.onload = () => resolve();
    image.onerror = () => setTimeout(() => this.attempt(image, address, resolve), 1000);
    image.src = address;
  },

  async shown(name, alt) {
    const { image, ready } = this.load(name);
    await ready;
    image.alt = alt;
    return image;
  },
};
