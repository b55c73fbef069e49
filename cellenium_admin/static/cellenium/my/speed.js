/* How fast bytes go, over the last seconds. */

const WINDOW_MILLISECONDS = 8000;

export class Speed {
  #samples = [];

  /* Note how many bytes are done now; gives bytes per second. */
  now(done) {
    const at = performance.now();
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - this.#samples[1].at > WINDOW_MILLISECONDS) this.#samples.shift();
    const [first] = this.#samples;
    const seconds = (at - first.at) / 1000;
    return seconds > 0.2 ? Math.max(0, (done - first.done) / seconds) : 0;
  }
}
