/* The search of the site works in a worker, which browsers refuse to pages opened from a folder (file://). There, a
   hidden frame takes its place: the same script, the same messages. Elsewhere the browser's own workers are left alone. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inside = frame.contentWindow;
      const script = (from) =>
        new Promise((done, failed) => {
          const tag = this.inside.document.createElement("script");
          tag.src = from;
          tag.onload = () => done();
          tag.onerror = () => failed(new Error(`cannot load ${from}`));
          this.inside.document.body.appendChild(tag);
        });
      const answer = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.inside.postMessage = answer;
      this.inside.importScripts = async (...urls) => {
        for (const one of urls) await script(new URL(one, url).href);
      };
      this.ready = script(new URL(url, location.href).href);
    }
    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })));
    }
    terminate() {
      this.inside.frameElement.remove();
    }
  };
}
