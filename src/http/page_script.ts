/**
 * Keeps the page as new as the publisher. Each message of `events` holds the parts that have changed, as HTML with
 * ids; only what differs is touched, so that focus, selection and screen readers stay where they are.
 */
export const PAGE_SCRIPT = `
"use strict";
const notice = document.getElementById("lost"), scratch = document.createElement("template");
let source;

function adopt(old, now) {
  if (old.nodeName !== now.nodeName) return old.replaceWith(now);
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  for (const { name, value } of now.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const before = [...old.childNodes], after = [...now.childNodes];
  after.forEach((child, index) => index < before.length ? adopt(before[index], child) : old.append(child));
  for (const child of before.slice(after.length)) child.remove();
}

function show(lost) {
  notice.hidden = !lost;
  document.documentElement.dataset.link = lost ? "lost" : "live";
}

function connect() {
  source?.close();
  const own = source = new EventSource("events");
  own.onmessage = ({ data }) => {
    scratch.innerHTML = data;
    for (const part of [...scratch.content.children]) {
      const old = document.getElementById(part.id);
      if (old) adopt(old, part);
    }
    show(false);
  };
  own.onerror = () => {
    show(true);
    if (own.readyState === EventSource.CLOSED) setTimeout(() => own === source && follow(), 5000);
  };
}

// Who is not seen need not be new, and browsers open only six connections to a server.
function follow() {
  if (document.hidden) source?.close();
  else connect();
}

document.addEventListener("visibilitychange", follow);
follow();
`;
