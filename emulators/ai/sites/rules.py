# ruff: noqa: E501  (markup and word lists read better on one line)
"""Which widget answers which words."""

from __future__ import annotations

import re

# In order: the first whose words are found wins.
_RULES: tuple[tuple[str, str], ...] = (
    ("table", r"(?:job|internship)s? post|post(?:ing)? (?:job|intern)"),
    ("editor", r"live preview|code editing|html code|syntax highlight|html editor|saving template|编辑器|实时预览"),
    ("diagram", r"diagram|flowchart|mind map|drag-and-drop|organizational chart|adjusting layout|流程图|思维导图"),
    ("designer", r"shirt (?:model|design)|packaging|custom(?:ize|ise) shirts|label design|preview and confirm"),
    ("match", r"matching (?:algorithm|system)|matches? (?:students|users|people)|匹配"),
    ("compare", r"compar|对比|比较"),
    ("calc", r"calculat|estimat\w* (?:job )?cost|estimat\w* project cost|job costing|nutrition analysis|serving size|nutritional value|estimated expense|计算|房贷|估算"),
    ("seats", r"seat availab|real-time seat|choose seats|座位图|选座"),
    ("carousel", r"carousel|slide ?show|slider|轮播|幻灯"),
    ("send", r"whatsapp|send(?:ing)? (?:and \w+ )?(?:short |bulk )?(?:messages?|notifications?|sms)|automated message|notifications to|短信发送|群发"),
    ("chat", r"\bchat\b|chatbot|messag(?:es|ing)\b(?! send)|messages page|communicat|聊天|客服|私信"),
    ("reviews", r"review|\brat(?:e|ing|ings)\b|点评|评分"),
    ("quotes", r"testimonial|success stor|customer stor|customer cases|what (?:our )?(?:clients|customers) say|客户评价|顾客评价|口碑|见证|心声"),
    ("thread", r"discuss|forum|\bpost(?:s|ing)?\b(?! job| intern)|repl(?:y|ies)|comment|condolence|share (?:their|your) (?:own )?ideas|sharing ideas|share ideas|question|answer|leave messages|interact|讨论|评论|论坛|留言|问答|帖子|发帖"),
    ("auth", r"regist(?:er|ration)|log ?in\b|sign ?up|sign ?in|登录|注册"),
    ("profile", r"profile|input their|personal cent|user cent|personal (?:information|details)|account information|user account|(?:trading|manage (?:their|your)) accounts?|user information|collections?\b|个人中心|个人信息|我的"),
    ("report", r"reports?\b(?!.*real-time)|input stock|reporting|settlement|export|expense sheet|报表|报告"),
    ("chart", r"chart|graph|visuali[sz]|statistic|analy[sz]|analytics|trend|monitor|consolidated|data collection|overview|kpi|metrics|impact|统计|图表|分析|数据|可视化|监控"),
    ("ranking", r"leaderboard|ranking|high ?score|排行|排名|积分榜"),
    ("weather", r"weather|forecast|天气"),
    ("faq", r"\bfaqs?\b|frequently asked|best practice|advice|user guide|how to play|help page|guide\b|常见问题|指南|玩法|帮助"),
    ("pricing", r"pric(?:e|ing) (?:table|plan|list|packages?)|pricing|plans?\b|packages|membership\b(?!-only)|价格|套餐|票价|会员价"),
    ("hours", r"opening hours|business hours|营业时间|开放时间"),
    ("contact", r"contact|get in touch|reach us|newsletter|subscribe|联系|订阅|地图"),
    ("settings", r"setting|configur|preference|dropdown|themes? and|board themes|difficulty|设置|配置"),
    ("booking", r"\bbook(?:ing|s)?\b|reserv|appointment|enrol|apply (?:for|online)|application|donat|checkout|payment|pay\b|purchases|order(?:s|ing)?\b(?! management)|input information|申请|预约|预订|报名|捐|支付|下单|投递|表单"),
    ("timelog", r"time track|track(?:ing)? (?:work )?(?:hours|time)|log(?:ging)? (?:work )?hours|work hours|attendance|工时|考勤|打卡"),
    ("tasks", r"\bto-?do|tasks?\b|checklist|project progress|\bprogress\b|待办|任务|进度"),
    ("schedule", r"schedul|calendar|timeline|agenda|课程表|课表|日程|时间线|经历|experience\b"),
    ("steps", r"pathway|process\b|how it works|certification|workflow|confirmation|cryptocurrency release|dispute|流程|步骤"),
    ("team", r"\bteam (?:introduction|information|members?)|our team|meet the|the team\b|\bteam$|speakers|trainers\b(?! on)|teachers team|doctors|designer's background|about the (?:designer|author)|团队|教练|医生|老师|嘉宾|作者"),
    ("skills", r"skills?\b(?! development)|技能"),
    ("about", r"about|introduc|company information|our story|mission|information to|learn about|\bhome(?:page)?\b|promot(?:e|ing) (?!and)|poker room|使命|关于|故事|简介|介绍"),
    ("gallery", r"gallery|photos?\b|pictures|mosaic|multimedia|图集|相册|照片|摄影"),
    ("links", r"\blinks?\b|adding$|editing$|链接"),
    ("share", r"^shar(?:e|ing)\b|shareable|分享"),
    ("catalog", r"cart|search|browse|catalog|categor|product|shop|courses|jobs|download|articles?|news|menus?\b|listing|offers?\b|promotions?|events|deals|services|attractions|works|portfolio|showcase|projects? (?:case|show)|features|games? rooms|lobby|songs|watch|listen|菜单|商品|商店|购物|列表|房源|目的地|作品|课程|服务|资讯|文章|活动|小组|职位|功能"),
    ("table", r"manag|record|track|inventor|view|display|create|add|updat|organi[sz]|upload|generat|collect|list|edit|delet|submit|approv|query|管理|记录|查询|添加"),
)  # fmt: skip
_COMPILED = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _RULES)

_TABLE_KINDS = {"console", "tool"}
_ACTIVE = re.compile(
    r"manag|record|track|inventor|updat|upload|add\b|adding|管理|记录", re.IGNORECASE
)

_GAMES: tuple[tuple[str, str], ...] = (
    ("game_2048", r"\b2048\b"),
    ("game_chess", r"\bchess\b|象棋"),
    ("game_poker", r"poker|hold'?em|blackjack|card game|扑克"),
    ("game_sort", r"recycl|waste|sort(?:ing)? game|垃圾分类"),
    ("game_realm", r"strategy|resources, |kingdom|soldiers|策略"),
    ("game_snake", r"snake|贪吃蛇"),
    ("game_ttt", r"tic.?tac.?toe|井字棋"),
    ("game_memory", r"\bgames?\b|游戏"),
)
_GAME_ACTIONS = re.compile(
    r"\bplay\b|tiles?\b|\bmov(?:e|ing)\b|^(?:up|down|left|right|resign\w*|reviv\w*|upgrade|battle)$|"
    r"merg|win the|game over|new game|undo|joining existing|hand cards|community cards|betting|"
    r"if the game|action buttons|choose to revive|feedback|rewards|learn how to|cartoon|educate|"
    r"choose a race|four races|manage resources|table games?$|current game status|resign",
    re.IGNORECASE,
)
# Words about quality, not about a thing: told in a note, not given a section.
_QUALITY = re.compile(
    r"^(?:be )?(?:optimi[sz]ed|navigation|user (?:interface|experience)|easy to|responsive|"
    r"responsive|attract|ensure|protecting|secure|perform|browse the website|(?:a )?simple nav|"
    r"be easy|the content|streamline|providing services|and more)|related operations",
    re.IGNORECASE,
)


def find_widget(words: str, kind: str) -> str:
    """The widget that shows what the words ask for; "note" for what needs only a mention."""
    if _QUALITY.search(words):
        return "note"
    if kind == "game" and _GAME_ACTIONS.search(words):
        return "game"
    for name, pattern in _COMPILED:
        if pattern.search(words):
            if name == "catalog" and (kind in _TABLE_KINDS or _ACTIVE.search(words)):
                return "table"
            return name
    return "table" if kind in _TABLE_KINDS else "catalog" if len(words.split()) <= 6 else "note"


def find_game(request: str, kind: str) -> str | None:
    """The game to put on the page of a game site."""
    if kind != "game":
        return None
    for name, pattern in _GAMES:
        if re.search(pattern, request, re.IGNORECASE):
            return name
    return "game_memory"
