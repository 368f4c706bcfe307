// Heights beyond what browsers lay out. An element of more than some ten million pixels is cut off, in some browsers
// without a word, so a long list gets a shorter scroll bar: near where one looks, a pixel is a pixel; over long ways the
// bar stands for its share of the whole.

const MOST = 8_000_000; // pixels that every browser lays out

export class Ruler {
  constructor(scroller, space) {
    Object.assign(this, { scroller, space, full: 0, shift: 0, last: 0 });
  }

  /** The list is so high now, with the view at `top` of it. */
  resize(full, width, top = this.top) {
    this.full = full;
    this.physical = Math.min(full, MOST);
    this.space.style.height = `${this.physical}px`;
    this.space.style.width = width;
    this.jump(top);
  }

  get top() {
    return this.scroller.scrollTop + this.shift;
  }

  /** The last place of `top`. */
  get bottom() {
    return Math.max(0, this.full - this.scroller.clientHeight);
  }

  /** Where something at `y` of the list lies in the scrolled element. */
  place(y) {
    return y - this.shift;
  }

  /** Show the list from `top` on. */
  jump(top) {
    const wanted = Math.round(Math.min(Math.max(top, 0), this.bottom));
    const reach = this.physical - this.scroller.clientHeight;
    const at = this.full > this.physical && this.bottom > 0 ? Math.round((wanted / this.bottom) * reach) : wanted;
    this.scroller.scrollTop = at;
    this.shift = this.full > this.physical ? wanted - at : 0;
    this.last = this.scroller.scrollTop;
  }

  /** The person scrolled. A long way means the bar was dragged: it then stands for its share of the whole. */
  scrolled() {
    const at = this.scroller.scrollTop;
    const far = Math.abs(at - this.last) > 2 * this.scroller.clientHeight;
    this.last = at;
    if (this.full <= this.physical) return;
    const reach = this.physical - this.scroller.clientHeight;
    if (far || at <= 0 || at >= reach) this.shift = Math.round((at / reach) * this.bottom) - at;
    this.shift = Math.min(Math.max(this.shift, -at), this.bottom - at);
  }

  /** Scrolling rests: put the bar where it belongs, without anything moving before the eyes. */
  rest() {
    if (this.full > this.physical) this.jump(this.top);
  }
}
