# ruff: noqa: E501  (markup and word lists read better on one line)
"""Widgets one plays or draws with."""

from __future__ import annotations

from emulators.ai.sites.markup import Block, Context


def _keys(ctx: Context) -> str:
    names = (("Up", "↑"), ("Left", "←"), ("Down", "↓"), ("Right", "→"))
    return "".join(
        f'<button data-move="{name}" aria-label="{name}">{sign}</button>' for name, sign in names
    )


def _arena(ctx: Context, head: str, board: str, css: tuple[str, ...], js: str) -> Block:
    new = ctx.say("New game", "新游戏")
    html = (
        f'<div class="arena">\n<p class="keys">{head}<button id="new">{new}</button></p>\n'
        f'<p id="message" role="status"></p>\n{board}</div>\n'
    )
    return Block(html, ("game", *css), (js,), wide=js != "game_chess")


def _score(ctx: Context, name: str = "") -> str:
    label = name or ctx.say("Score", "得分")
    return f'<span class="score">{label} <span id="score">0</span></span> '


def game_2048(ctx: Context) -> Block:
    """2048 with keys, buttons and a second life."""
    revive = ctx.say("Revive", "复活")
    board = f'<div id="board" style="--cols: 4"></div>\n<p class="keys">{_keys(ctx)}</p>\n'
    head = _score(ctx) + f'<button id="revive" class="quiet" disabled>{revive}</button> '
    return _arena(ctx, head, board, ("game_tiles",), "game_2048")


def game_chess(ctx: Context) -> Block:
    """Chess with the moves of each piece."""
    say = ctx.say
    names = (
        ("join", say("Join game", "加入对局")),
        ("undo", say("Undo", "悔棋")),
        ("resign", say("Resign", "认输")),
    )
    head = "".join(f'<button id="{key}" class="quiet">{name}</button> ' for key, name in names)
    board = f'<div id="board"></div>\n<h3>{say("Game history", "对局记录")}</h3>\n<ol id="moves"></ol>\n'
    board += (
        f'<p class="keys"><label>{say("Theme", "主题")} <select id="theme"><option value="">Classic</option>'
        '<option value="wood">Wood</option></select></label>'
        f'<label>{say("Difficulty", "难度")} <select id="level"><option value="0">Easy</option>'
        '<option value="1">Hard</option></select></label></p>\n'
    )  # fmt: skip
    return _arena(ctx, head, board, ("game_chess",), "game_chess")


def game_poker(ctx: Context) -> Block:
    """Texas Hold'em against the house."""
    say = ctx.say
    board = (
        f'<div class="felt">\n<p>{say("House", "庄家")}</p><div class="hand" id="house"></div>\n'
        f'<p>{say("Community cards", "公共牌")} · {say("pot", "底池")} <b id="pot">0</b></p>'
        f'<div class="hand" id="table"></div>\n<p>{say("Your hand", "手牌")} · '
        f'{say("chips", "筹码")} <b id="chips">0</b></p><div class="hand" id="mine"></div>\n</div>\n'
        f'<p class="keys"><button id="check">{say("Check", "过牌")}</button>'
        f'<input id="stake" type="number" value="20" min="10" step="10" style="width: 6rem" '
        f'aria-label="{say("Bet", "下注")}"><button id="bet">{say("Bet", "下注")}</button>'
        f'<button id="fold" class="quiet">{say("Fold", "弃牌")}</button></p>\n'
        f'<h3>{say("Game records", "对局记录")}</h3>\n<ul id="games"></ul>\n'
    )
    return _arena(ctx, "", board, ("game_poker",), "game_poker")


def game_sort(ctx: Context) -> Block:
    """Waste into its bins, with points and stars."""
    bins = ctx.say("Paper|Food|Cans and plastic|Glass", "废纸|厨余|塑料金属|玻璃").split("|")
    buttons = "".join(f'<button data-bin="{n}">{name}</button>' for n, name in enumerate(bins))
    board = (
        f'<div id="thing" aria-hidden="true"></div><p class="score" id="label"></p>\n'
        f'<div class="bins">{buttons}</div>\n<p id="stars"></p>\n'
    )
    return _arena(ctx, _score(ctx), board, ("game_sort",), "game_sort")


def game_realm(ctx: Context) -> Block:
    """Races, resources, training and battles."""
    races = "".join(
        f'<button class="quiet" data-race="{name}" aria-pressed="false">{name}</button>'
        for name in ("Humans", "Dragonborns", "Elves", "Dwarfs")
    )
    have = "".join(
        f'<div class="panel"><b data-of="{name}">0</b>{name.capitalize()}</div>'
        for name in ("gold", "iron", "wood", "wheat", "city", "workers", "soldiers", "bank")
    )
    deeds = (
        ("city", "Upgrade city"), ("workers", "Train worker"), ("soldiers", "Train soldier"),
        ("upgrade", "Upgrade soldiers"), ("bank", "Deposit 20 gold"), ("battle", "Battle"),
    )  # fmt: skip
    buttons = "".join(f'<button data-deed="{key}">{name}</button>' for key, name in deeds)
    html = (
        f'<div class="arena">\n<p class="keys">{races}</p>\n'
        f'<div class="tiles" style="width: 100%">{have}</div>\n<p class="keys">{buttons}</p>\n'
        '<p id="message" role="status"></p>\n<ul class="log" id="events"></ul>\n</div>\n'
    )
    return Block(html, ("game", "chart", "plain"), ("game_realm",), wide=True)


def game_snake(ctx: Context) -> Block:
    """Snake on a canvas."""
    board = (
        f'<canvas id="board" width="320" height="320"></canvas>\n<p class="keys">{_keys(ctx)}</p>\n'
    )
    return _arena(ctx, _score(ctx), board, (), "game_snake")


def game_ttt(ctx: Context) -> Block:
    """Tic-tac-toe."""
    board = '<div id="board" style="--cols: 3"></div>\n'
    return _arena(ctx, _score(ctx, ctx.say("Wins", "胜场")), board, ("game_tiles",), "game_ttt")


def game_memory(ctx: Context) -> Block:
    """Pairs to find."""
    board = '<div id="board" style="--cols: 4"></div>\n'
    name = ctx.say("Tries", "次数")
    return _arena(ctx, _score(ctx, name), board, ("game_tiles",), "game_memory")


def editor(ctx: Context) -> Block:
    """HTML on one side, the page on the other."""
    say = ctx.say
    html = (
        '<div data-editor>\n<div class="bar">'
        f'<button class="quiet mode" aria-pressed="false">{say("Text editing mode", "文本模式")}</button>'
        f'<button class="save">{say("Save template page", "保存为模板")}</button>'
        '<span class="kept"></span></div>\n<div class="editor">\n'
        f'<textarea spellcheck="false" aria-label="{say("HTML code", "HTML 代码")}">'
        '&lt;h1&gt;Hello&lt;/h1&gt;\n&lt;p class="intro"&gt;Edit me.&lt;/p&gt;</textarea>\n'
        f'<iframe sandbox title="{say("Live preview", "实时预览")}"></iframe>\n'
        f'<pre aria-label="{say("Syntax highlighting", "语法高亮")}"></pre>\n</div>\n</div>\n'
    )
    return Block(html, ("tools",), ("editor",), wide=True)


def diagram(ctx: Context) -> Block:
    """Shapes to add, drag, rename and restyle."""
    say = ctx.say
    types = say("Flowchart|Organizational chart|Mind map", "流程图|组织结构图|思维导图").split("|")
    options = "".join(f'<option value="{n}">{name}</option>' for n, name in enumerate(types))
    styles = say("Square|Rounded|Pill", "直角|圆角|胶囊").split("|")
    rounds = "".join(f'<option value="{n * 10}">{name}</option>' for n, name in enumerate(styles))
    html = (
        '<div class="diagram" data-diagram>\n<div class="bar">'
        f'<select aria-label="{say("Diagram type", "图表类型")}">{options}</select>'
        f'<select aria-label="{say("Style", "样式")}">{rounds}</select>'
        f'<input placeholder="{say("Text of the element", "元素文字")}" aria-label="{say("Text", "文字")}">'
        f"<button>{say('Add element', '添加元素')}</button>"
        f'<button class="quiet">{say("Remove", "删除")}</button>'
        f'<button class="quiet">{say("New diagram", "新建")}</button></div>\n'
        f'<svg class="drawing" viewBox="0 0 400 280" aria-label="{say("Canvas", "画布")}"></svg>\n</div>\n'
    )
    return Block(html, ("tools",), ("diagram",), wide=True)


def designer(ctx: Context) -> Block:
    """A drawing that follows a form: a shirt, or a food label."""
    say = ctx.say
    if ctx.has(r"packag|label|nutrition"):
        fields = (
            ("name", say("Product", "产品"), "Maple granola"),
            ("size", say("Serving", "份量"), "55 g"),
            ("energy", say("Calories", "热量"), "240"),
        )
        art = (
            '<rect x="90" y="15" width="120" height="190" fill="#fff" stroke="currentColor" stroke-width="6"/>'
            '<text x="102" y="48" font-size="17" font-weight="800" fill="#111">Nutrition Facts</text>'
            '<g font-size="13" fill="#111"><text x="102" y="75" data-of="name"></text>'
            '<text x="102" y="100" data-of="size"></text><text x="102" y="130">Calories</text>'
            '<text x="170" y="130" data-of="energy"></text></g>'
        )
    else:
        fields = (
            ("model", say("Shirt model", "款式"), "Oxford"),
            ("fabric", say("Fabric", "面料"), "Cotton"),
            ("size", say("Measurements", "尺寸"), "100 / 84 / 62 cm"),
        )
        art = (
            '<path d="M100 30l-60 32 18 48 26-12v102h132V98l26 12 18-48-60-32c-14 22-86 22-100 0z" fill="currentColor" stroke="#0004" stroke-width="2"/>'
            '<g fill="#fff" text-anchor="middle" font-size="13"><text x="150" y="110" data-of="model"></text>'
            '<text x="150" y="132" data-of="fabric"></text><text x="150" y="154" data-of="size"></text></g>'
        )
    inputs = "".join(
        f'<label>{label} <input name="{name}" value="{value}"></label>\n'
        for name, label, value in fields
    )
    html = (
        f'<div class="two" data-designer>\n<form>\n{inputs}<label>{say("Colour", "颜色")} '
        f'<input type="color" name="colour" value="#7a4e1d"></label>\n'
        f'<div><button>{say("Confirm design", "确认设计")}</button></div><output></output></form>\n'
        f'<svg class="drawing" viewBox="0 0 300 220" role="img" aria-label="{say("Preview", "预览")}">{art}</svg>\n</div>\n'
    )  # fmt: skip
    return Block(html, ("tools",), ("designer",), wide=True)
