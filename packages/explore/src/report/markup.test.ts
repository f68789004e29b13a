// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { html } from "./markup.js";

describe("html", () => {
  it("escapes values in text and in attributes", () => {
    const name = `"><script>alert('x')</script>&`;
    expect(html`<p title="${name}">${name}</p>`.text).toBe(
      `<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">` +
        `&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</p>`,
    );
  });

  it("escapes markup once, and joins lists", () => {
    const items = ["<a>", "&lt;"].map((item) => html`<li>${item}</li>`);
    expect(html`${items}${[items, 3]}`.text).toBe(
      "<li>&lt;a&gt;</li><li>&amp;lt;</li><li>&lt;a&gt;</li><li>&amp;lt;</li>3",
    );
  });

  it("lets nothing pass that is no character of HTML", () => {
    expect(html`${"a\u{0}b\u{1b}[2Jc\u{d800}d\u{fffe}e\u{1f600}"}`.text).toBe(
      "a\u{fffd}b\u{fffd}[2Jc\u{fffd}d\u{fffd}e\u{1f600}",
    );
  });
});
