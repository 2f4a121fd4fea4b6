"""Generated texts for the redaction tests and the benchmark: secrets in several writings, and near misses that stay.

Everything is computed from a seed; no number or name belongs to anybody.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum import luhn
from stdnum.cn import ric

FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")
FINANCIAL = str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")
SPOKEN = str.maketrans("0123456789", "零幺二三四五六七八九")
CYRILLIC = str.maketrans("ABCEHKMOPTXaceopxy", "АВСЕНКМОРТХасеорху")


@dataclass(frozen=True)
class Case:
    """``text`` with the secret ``secret`` in it, to be found as ``type``."""

    type: str
    writing: str
    text: str
    secret: str

    @property
    def span(self) -> tuple[int, int]:
        start = self.text.index(self.secret)
        return start, start + len(self.secret)


def mobile(rng: random.Random) -> str:
    return f"1{rng.choice('3456789')}" + "".join(rng.choices("0123456789", k=9))


def id_card(rng: random.Random) -> str:
    area = rng.choice(["110101", "430102", "440305", "320106"])
    day = f"{rng.randint(1950, 2010)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"{area}{day}{rng.randint(0, 999):03}"
    return body + ric.calc_check_digit(body)


def old_id_card(rng: random.Random) -> str:
    return f"430102{rng.randint(40, 85)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(0, 999):03}"


def bank_card(rng: random.Random) -> str:
    body = "62" + "".join(rng.choices("0123456789", k=rng.choice([13, 16])))
    return body + luhn.calc_check_digit(body)


def plate(rng: random.Random) -> str:
    return rng.choice("京沪湘粤浙川") + rng.choice("ABCDEF") + "".join(rng.choices("0123456789", k=5))


def green_plate(rng: random.Random) -> str:
    return (
        rng.choice("京沪湘粤浙川") + rng.choice("ABCDEF") + rng.choice("DF") + "".join(rng.choices("0123456789", k=5))
    )


def _digits(rng: random.Random, count: int) -> str:
    return rng.choice("123456789") + "".join(rng.choices("0123456789", k=count - 1))


def email(rng: random.Random) -> str:
    return (
        "".join(rng.choices("abcdefghkmnpqrstuvwxyz", k=6))
        + _digits(rng, 3)
        + rng.choice(["@qq.com", "@163.com", "@mail.example.cn"])
    )


def person(rng: random.Random) -> str:
    surname = rng.choice(["王", "李", "张", "刘", "陈", "杨", "赵", "周", "吴", "徐", "孙", "欧阳", "司马", "诸葛"])
    return surname + rng.choice(
        ["桂芳", "建国", "丽华", "志强", "晓明", "婷婷", "海燕", "子涵", "雨欣", "文博", "秀英", "国栋"]
    )


def address(rng: random.Random) -> str:
    road = rng.choice(["芙蓉中路", "五一大道", "解放西路", "建设北路", "桂花巷", "书院路"])
    return f"{road}{rng.randint(1, 400)}号{rng.randint(1, 30)}栋{rng.randint(1, 5)}单元{rng.randint(101, 3204)}室"


def groups(value: str, sizes: tuple[int, ...], mark: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(value[at : at + size])
        at += size
    return mark.join([*parts, value[at:]]).strip(mark)


@dataclass(frozen=True)
class Kind:
    """How secrets of one type are made, written apart and announced."""

    type: str
    make: Callable[[random.Random], str]
    frames: tuple[str, ...]
    sizes: tuple[int, ...] = ()
    marks: tuple[str, ...] = (" ", "-")


KINDS = (
    Kind("phone", mobile, ("我的电话是{}，请回复。", "{}一直打不通", "联系方式（{}）有误", "请拨打{}找我"), (3, 4)),
    Kind(
        "landline",
        lambda r: f"07318{_digits(r, 7)}",
        ("座机{}无人接听", "请拨{}。"),
        (4,),
    ),
    Kind("id_number", id_card, ("身份证号：{}。", "我的证件是{}，已提交", "核对{}时报错"), (6, 8)),
    Kind("id_number", old_id_card, ("老身份证号码{}，", "身份证（{}）已过期"), (6, 6)),
    Kind("passport", lambda r: "E" + _digits(r, 8), ("护照号{}。", "持护照{}入境")),
    Kind("permit", lambda r: "H" + _digits(r, 8), ("港澳居民来往内地通行证号{}，", "回乡证：{}。")),
    Kind("permit", lambda r: "C" + _digits(r, 8), ("往来港澳通行证{}丢失",)),
    Kind("bank_card", bank_card, ("银行卡号{}，", "退款到卡号：{}。", "工资发到{}上"), (4, 4, 4, 4)),
    Kind("account", lambda r: _digits(r, 12), ("公司账号{}，", "对公账户：{}。")),
    Kind("license_plate", plate, ("车牌{}乱停", "有一辆{}的车堵门", "司机开着{}逃走了"), (2,), (" ", "·", "-")),
    Kind("license_plate", green_plate, ("车牌{}占用充电位", "网约车{}拒载"), (2,), (" ", "·", "-")),
    Kind("email", email, ("邮箱{}，", "请发邮件到{}。")),
    Kind("qq", lambda r: _digits(r, 9), ("QQ：{}，", "我的QQ号是{}。"), (3, 3)),
    Kind(
        "wechat", lambda r: "wx" + "".join(r.choices("abcdefgh", k=4)) + _digits(r, 4), ("微信号：{}，", "加微信{}沟通")
    ),
    Kind("handle", lambda r: "user" + _digits(r, 6), ("抖音号：{}，", "微博账号{}发布")),
    Kind("coordinates", lambda r: f"{r.uniform(105, 119):.6f},{r.uniform(22, 39):.6f}", ("定位{}附近", "坐标：{}。")),
    Kind(
        "birth_date",
        lambda r: f"{r.randint(1950, 2010)}年{r.randint(1, 12)}月{r.randint(1, 28)}日",
        ("出生日期：{}，", "她{}出生，"),
    ),
    Kind("person", person, ("我叫{}，是业主。", "投诉人：{}，电话见附件", "{}女士反映噪音", "工作人员{}态度恶劣")),
    Kind("address", address, ("家住长沙市岳麓区{}，", "送货到{}。", "地址：湖南省长沙市天心区{}")),
)


def plain_table(seed: int = 1, per_frame: int = 5) -> Iterator[Case]:
    """Each type in its frames: plain, full-width, and with the separators people use."""
    rng = random.Random(seed)
    for kind in KINDS:
        for frame in kind.frames:
            for _ in range(per_frame):
                value = kind.make(rng)
                yield _case(kind, "plain", frame, value)
                if value.isascii() or kind.type in {"license_plate", "birth_date", "address"}:
                    yield _case(kind, "full-width", frame, value.translate(FULL_WIDTH))
                for mark in kind.marks if kind.sizes else ():
                    yield _case(kind, f"separated by {mark!r}", frame, groups(value, kind.sizes, mark))


def _case(kind: Kind, writing: str, frame: str, secret: str) -> Case:
    return Case(kind.type, writing, "😀𝟙，" + frame.format(secret), secret)


TRICKS: tuple[tuple[str, frozenset[str], Callable[[str], str]], ...] = (
    (
        "zero-width",
        frozenset({"phone", "id_number", "bank_card", "email", "license_plate"}),
        lambda v: "\u200b".join(v),
    ),
    ("chinese", frozenset({"phone", "id_number", "qq"}), lambda v: v.translate(CHINESE)),
    ("spoken", frozenset({"phone"}), lambda v: v.translate(SPOKEN)),
    ("financial", frozenset({"phone", "id_number", "bank_card"}), lambda v: v.translate(FINANCIAL)),
    ("half chinese", frozenset({"phone", "id_number"}), lambda v: v[:5] + v[5:].translate(CHINESE)),
    ("cyrillic", frozenset({"license_plate", "email", "wechat"}), lambda v: v.translate(CYRILLIC)),
    ("spaced", frozenset({"phone", "id_number", "bank_card"}), " ".join),
    ("dotted", frozenset({"phone"}), ".".join),
    ("dashes", frozenset({"phone"}), lambda v: f"{v[:3]}—{v[3:7]}–{v[7:]}"),
    ("line break", frozenset({"phone", "id_number", "bank_card"}), lambda v: f"{v[:7]}\n{v[7:]}"),
    ("country code", frozenset({"phone"}), lambda v: f"+86 {v[:3]} {v[3:7]} {v[7:]}"),
    ("country code in brackets", frozenset({"phone"}), lambda v: f"(+86){v}"),
    ("circled", frozenset({"phone"}), lambda v: "".join("⓪①②③④⑤⑥⑦⑧⑨"[int(c)] for c in v)),
    (
        "mathematical",
        frozenset({"phone", "id_number"}),
        lambda v: "".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in v),
    ),
    ("keycaps", frozenset({"phone"}), lambda v: "".join(f"{c}\ufe0f\u20e3" for c in v)),
    ("letters for digits", frozenset({"phone"}), lambda v: v.replace("1", "l").replace("0", "O")),
    ("combining", frozenset({"phone"}), lambda v: "\u0336".join(v)),
    ("at written out", frozenset({"email"}), lambda v: v.replace("@", "(at)")),
    ("full stop", frozenset({"email"}), lambda v: v.replace("@", " @ ").replace(".", "。")),
)


def tricky_table(seed: int = 2, per_frame: int = 4) -> Iterator[Case]:
    """The same secrets in writings meant to get past a filter."""
    rng = random.Random(seed)
    for kind in KINDS:
        for name, types, write in TRICKS:
            if kind.type not in types:
                continue
            for frame in kind.frames:
                for _ in range(per_frame):
                    yield _case(kind, name, frame, write(kind.make(rng)))


def kept_table(seed: int = 3, rounds: int = 5) -> Iterator[str]:
    """Near misses: texts in which nothing may be masked."""
    rng = random.Random(seed)
    for _ in range(rounds):
        yield f"订单号{mobile(rng)}已发货"
        yield f"订单编号：{_digits(rng, 20)}，请核实"
        yield f"工单号{_digits(rng, 14)}已转办"
        yield f"快递单号SF{_digits(rng, 13)}"
        yield f"统一社会信用代码91430100MA4L{_digits(rng, 5)}Y"
        yield f"赔偿{_digits(rng, 11)}元"
        yield f"共计{_digits(rng, 6)}.{_digits(rng, 2)}元"
        yield f"受理编号HY-2026{rng.randint(1, 12):02}{rng.randint(1, 28):02}-{rng.randint(1, 9999):04}"
        yield f"(2026)湘01民终{_digits(rng, 4)}号判决"
        yield f"长政办函〔2018〕{rng.randint(1, 99)}号文件"
        yield f"{rng.randint(2019, 2026)}年{rng.randint(1, 12)}月{rng.randint(1, 28)}日10时30分"
        yield f"2026-10-{rng.randint(10, 28)} 12:30:45 发生停电"
        yield f"停水{rng.randint(1, 9)}小时，影响{_digits(rng, 4)}户"
    yield from KEPT


KEPT = [
    "The pipe burst on Nan Jing Road",
    "Hong Kong and Shang Hai are far",
    "We walked along the Li River",
    "from Hang Zhou to Liu Yang",
    "Wang Fu Jing Street is closed",
    "Chang An Avenue",
    "Zhu Hai City",
    "the Huang He",
    "Mount Hua Shan",
    "Li Ning shoes",
    "a Hua Wei phone",
    "Meng Niu Milk",
    "Tong Ren Tang",
    "Ren Min Road",
    "Yang Pu District",
    "Wan Da Plaza",
    "Wang Lan Water Group",
    "Zhang Family Noodle House",
    "Liu Qiao Village",
    "Beijing Tong Ren Hospital",
    "Ping An Bank",
    "Tang Dynasty",
    "Ma Po Tofu",
    "He Can",
    "the Long Song",
    "Feng Shui",
    "陈某先生于2026年3月5日来访",
    "请拨打12345或12315投诉",
    "客服热线95588、400-820-8820、4008208820",
    "报警110，急救120，火警119",
    "张记面馆油烟扰民",
    "王先生火锅店没有证照",
    "李家大院景区门票涨价",
    "老张烧烤店占道经营",
    "周黑鸭专卖店过期",
    "王府井百货退货难",
    "依据《中华人民共和国消费者权益保护法》第五十五条",
    "根据民法典第1165条",
    "高兴地看到问题解决",
    "Mr. Bean bar 噪声扰民",
    "Mr. Brown 咖啡馆 涨价",
    "购买 Dr. Pepper 汽水",
    "MS Office 软件无法安装",
    "预约 Dr. Lee's Clinic 退款",
    "用户 App 登录失败",
    "马上安排施工",
    "黄金价格上涨",
    "金额有误",
    "成立调查组，方案公开",
    "周末加班，万一出事",
    "石家庄市和张家口市",
    "高新区管委会",
    "中山路派出所",
    "人民路小学门口",
    "解放军总医院",
    "湖南省长沙市岳麓区望城坡街道",
    "北京市朝阳区",
    "请到人民路88号市政务服务中心办理",
    "电话138****1234已核实",
    "身份证**************1234",
    "张女士反映",
    "王某称李某某打人",
    "〔电话已隐去〕",
    "小区电梯经常故障，物业说下周维修",
    "万达广场地下车库积水",
    "地铁3号线空调太冷",
    "安全通道被杂物占用",
    "广场舞音乐声太大影响休息",
    "道路破损，路灯不亮",
    "三栋楼房倒塌",
    "版本1.2.3.4更新失败",
    "比例为3.14159265358979",
    "第13、14、15、16、17、18条",
    "2019-12-25至2020-01-05",
    "型号E20241015的设备",
    "航班CA1234延误",
    "高铁G1234次晚点",
    "股票代码600519",
    "何时解决",
    "毛巾和牛奶",
    "陈旧设施",
    "江苏的江水",
    "于是向前走",
    "许多人常常抱怨",
    "程序和温度",
    "安静的田野",
    "任何单位和个人",
]
