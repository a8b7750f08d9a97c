// The lightness of the ground, and the least contrast of any words with what is behind them, by WCAG's formulas.
(() => {
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const channels = (color) => color.match(/[\d.]+/g).slice(0, 3).map((v) => linear(v / 255));
  const light = (color) => channels(color).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (!/, 0\)$/.test(color)) return color;
    }
  };
  const ratio = (element) => {
    const [more, less] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    return (more + 0.05) / (less + 0.05);
  };
  const words = "h1, h2, h3, p, dt, dd, label, th, td, a, button:enabled, input, select, output";
  const seen = [...document.querySelectorAll(words)].filter((e) => e.checkVisibility());
  return [light(getComputedStyle(document.body).backgroundColor), Math.min(...seen.map(ratio))];
})();
