"""Observe the live page in a browser: its picture as a number, taken when nothing is left to draw."""

from tests.support.browser import Page

LIVE = "document.getElementById('status').dataset.state === 'live'"
CANVAS = "document.querySelector('#picture canvas.mpl-canvas')"
HASH = f"""(() => {{
  const one = {CANVAS};
  if (!one || !one.width) return 0;
  const copy = document.createElement('canvas');
  [copy.width, copy.height] = [one.width, one.height];
  const content = copy.getContext('2d', {{willReadFrequently: true}});
  content.drawImage(one, 0, 0);
  const data = content.getImageData(0, 0, one.width, one.height).data;
  let hash = 7, ink = 0;
  for (let at = 0; at < data.length; at += 4) {{
    const red = data[at], green = data[at + 1], blue = data[at + 2];
    hash = (hash * 31 + red * 65536 + green * 256 + blue) | 0;
    ink += Math.abs(red - green) + Math.abs(green - blue) > 30;
  }}
  return ink ? hash : 0;
}})()"""
"""Hash of the canvas' pixels; 0 while none of them is coloured."""
OBSERVE = """(() => {
  const live = (window.live = { messages: 0, socket: null, image: null, drawn: "", hold: false, held: [] });
  const [PlainSocket, PlainImage] = [window.WebSocket, window.Image];
  const probes = new Map();
  window.WebSocket = class extends PlainSocket {
    constructor(...address) {
      super(...address);
      live.socket = this;
      this.addEventListener("message", ({ data }) => {
        const probe = typeof data === "string" ? JSON.parse(data).find : undefined;
        if (probes.has(probe)) probes.get(probe)();
        else live.messages += 1;
      });
    }
    send(content) {
      live.messages += 1;
      super.send(content);
    }
  };
  window.Image = function () {
    const image = new PlainImage();
    live.image = image;
    const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
    let wanted = "";
    Object.defineProperty(image, "src", {
      get: () => wanted,
      set: (address) => {
        wanted = address;
        if (live.hold) live.held.push(() => source.set.call(image, address));
        else source.set.call(image, address);
      },
    });
    for (const event of ["load", "error"]) image.addEventListener(event, () => { live.drawn = image.currentSrc; });
    return image;
  };
  live.answer = () => new Promise((done) => {
    const probe = `probe ${probes.size}`;
    probes.set(probe, done);
    PlainSocket.prototype.send.call(live.socket, JSON.stringify({ type: "find", text: probe }));
  });
  const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  live.settle = async () => {
    let before;
    do {
      before = live.messages;
      await live.answer();
      await frames();
    } while (live.messages !== before || live.drawn !== live.image.src);
  };
  live.release = () => {
    live.hold = false;
    for (const decode of live.held.splice(0)) decode();
  };
})()"""
"""Script that counts the messages of the page, and can hold back the decoding of images.

`live.settle` returns when the picture is complete: the server has answered a message sent after all others, two frames
later no message was sent or received in the meantime, and the last image is drawn. None of this depends on the time
that anything takes.
"""


def observe(tab: Page) -> None:
    """Load the script into each page that the tab opens from now on."""
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=OBSERVE)


def settled(tab: Page) -> int:
    """Wait until the picture is complete, and return its hash."""
    tab.evaluate("live.settle()")
    found: int = tab.evaluate(HASH)
    return found


def changed(tab: Page, before: int) -> int:
    """Wait until the picture differs from one with the hash `before` and is complete; return its hash."""
    tab.wait(f"![0, {before}].includes({HASH})")
    return settled(tab)
