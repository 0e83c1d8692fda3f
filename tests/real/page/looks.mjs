// How a state of the page looks: a picture of it, light and dark, and axe-core's judgement of each.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export class Looks {
  constructor(browser, checks, folder) {
    Object.assign(this, { browser, checks, folder });
  }

  async judge(name, url) {
    for (const colorScheme of ['light', 'dark']) {
      // The page's own policy would keep axe-core out; the checks of the policy have windows of their own.
      const context = await this.browser.newContext({ colorScheme, bypassCSP: true, viewport: { width: 760, height: 800 }, deviceScaleFactor: 1.5, reducedMotion: 'reduce' });
      const page = await context.newPage();
      await page.goto(url);
      await page.screenshot({ path: `${this.folder}/${name}-${colorScheme}.png`, fullPage: true });
      await page.evaluate(axe);
      const { violations, passes, incomplete } = await page.evaluate(() => globalThis.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`).join('\n');
      this.checks.say(`axe-core finds nothing in ${name}, ${colorScheme}`, !violations.length && passes.length > 10, found || `${passes.length} rules passed`);
      const unsure = incomplete.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`).join('\n');
      this.checks.say(`and is sure of it in ${name}, ${colorScheme}`, !incomplete.length, unsure);
      await context.close();
    }
  }
}
