"""What tells an address from ordinary words, and an organisation's premises from a home."""

from __future__ import annotations

import re

from publication.redaction.tokens import Token

ROADS = r"大道|大街|路(?!灯|口|面|过|上|况|边|人|由|线|径|程|费|障|政|标|基|桥|网)|街(?!道|坊|舞|区|上|头)|(?<![0-9])巷(?!道)|胡同|弄(?=[0-9])|步行街|环线|里弄"
ROADS = rf"(?:{ROADS}|路(?=路|口|上|边|与)|街(?=口|上|区))"
ESTATES = (
    r"小区|花园|家园|公寓|花苑|佳苑|雅苑|嘉苑|名苑|新苑|嘉园|新村|庄园|山庄|别墅|华庭|豪庭|名邸|府邸|公馆|华府|名府|御府|花城|新城|名城|豪园|雅园|佳园|锦园|康城|丽苑|馨苑|学府|世家|人家|小筑|名都|家属院|宿舍|大院|安置区|安置房|廉租房|公租房|(?:大厦|写字楼|商务楼)(?=[0-9A-Z一二三四五六七八九十])"
)
INNER = rf"[一-鿿A-Za-z]{{2,8}}?(?:小区|花园|家园|公寓|花苑|苑|新村|庄园|山庄|大厦|公馆|府|城|宿舍|家属院|大院|广场|中心|村)"
# Also kinds of buildings; without a number only a proper noun before them makes a name.
WEAK_SUFFIXES = frozenset("别墅 公寓 家园 庄园 公馆 新城 花园 安置房 安置区 新村 世家 人家 学府 小筑 名城".split())
NUMBERED_SUFFIXES = frozenset({"大院", "宿舍"})
ESTATE_KINDS = WEAK_SUFFIXES | NUMBERED_SUFFIXES | {"小区"}
PROPER_CLASSES = frozenset("nr nrt nrfg ns nt nz x j".split())
ROUTE_NUMBER = re.compile(r"[0-9A-Z]+|.*几")

PROPER = re.compile(r"[一-鿿A-Za-z0-9·]+")
_STOP_WORDS = frozenset(
    "在 住 住在 居住 居住在 家住 现住 位于 坐落 坐落于 地处 从 到 至 往 向 于 由 沿 沿着 经 经过 途经 途径 穿过 横穿 前往 来到 回到 送到 送达 寄到 寄往 搬到 开到 走到 去 去往 和 与 及 跟 同 或 的 是 为 了 有 把 被 让 对 就 又 也 都 还 "
    "我 你 他 她 我们 你们 他们 咱们 自己 这 那 该 本 此 每 某 各 这个 那个 这条 那条 一条 整条 整个 全 附近 对面 旁边 门口 周边 地址 住址 居住地 户籍 户籍地 户籍地址 收货 现居 邮寄 反映 投诉 举报 建议 希望 要求 请求 恳请 关于 "
    "因为 由于 以及 还有 但是 目前 现在 今天 昨天 一直 经常 已经 正在 没有 修建 铺设 改造 拓宽 出 进 送货到 出入 进入 驶入 拐入 尤其 包括 等 如 上 下 里 内 外 前 后 中 购买 买 购 租 租住 老旧 住宅 居民 封闭 高档 老 新 旧 大型 多个 各个 部分 周围 整改 "
    "业主 居民区 物业 开发商 市民 村民 用户 车主 客户 施工 道路 城市 市政 社区 街道 政府 附件 之间 之 等等 不少 很多 许多 所有 两条 几条 主要 主干 交叉 十字 丁字 人行 机动车 非机动车 双向 单行 断头 那么 只有 只能 所在 所在地 全市 全区 全县 我家 我市 我区 我县 我镇 家 家在 "
    "送 寄 称 说 请 问 请问 找 坐 乘 乘坐 走 开 修 建 住户 租客 房东 邻居 旁 边 侧 处 口".split()
)
_STOP_CLASSES = ("r", "p", "c", "u", "y", "d", "w", "e", "o")
_ODD_CLASSES = ("v", "t", "m", "q", "f", "a", "i", "l")


_NUMERALS = re.compile("[一二三四五六七八九十]{1,4}")


def stops(token: Token, *, lenient: bool) -> bool:
    """Whether a word cannot be part of the proper name of a road or estate."""
    if token.word in _STOP_WORDS or token.tag[:1] in _STOP_CLASSES:
        return True
    if token.tag == "m" and _NUMERALS.fullmatch(token.word):
        return False
    if lenient:
        return token.tag[:1] == "v" and len(token.word) == 1
    return token.tag[:1] in _ODD_CLASSES or token.tag[:1] == "n" and token.tag == "n" and token.word in _COMMON_NOUNS


_COMMON_NOUNS = frozenset("楼 房 房屋 电梯 问题 时候 地方 项目 工程 工地 房子 商铺 门面 车位 车库 编号 号码 现场 位置 单位 公司 学校 医院 教学楼 宿舍楼 办公楼 家 老家 房号 门牌 楼栋 高层 住房 人 期 区".split())

DIRECTIONS = frozenset("东西南北中")
# Kinds of roads and estates, never names.
GENERIC = frozenset(
    "马 公 铁 道 网 线 电 思 出 一 走 修 上 问 水 油 气 半 高速公 高速 快速 主干 土 泥 水泥 柏油 沥青 乡村 市政 盲 回 来 去 归 让 带 引 拦 堵 占 断 绕 探 迷 岔 主 支 辅 逛 沿 临 当 过 扫 步行 本 该 我 我们 这个 那个 各 某 其他 其它 多个 附近 周边 "
    "家属 危机 隔壁 老旧 住宅 居民 封闭式 封闭 整个 全 低层 高层 多层 一个 两个 几个 高档 新建 开放式 无物业 物业 商品房 电梯 员工 职工 学生 教师 男生 女生 私人 酒店式 单身 有 没 无 短 长 水管 管 供水 供电 套 的 独栋 联排 条 这条 那条 每条 主要道 行车道 街 "
    "大街 大路 小路 马路 公路 铁路 道路 线路 思路 出路 走街串 丝绸之 必经之".split()
)
# Everyday words that name a road or estate only when a number follows.
GENERIC_ALONE = frozenset(
    "大 小 老 新 旧 山 村 城市 商业 美食 智慧 文明 安置 二期 一期 三期 集体 空中 后 前 屋顶 美丽 幸福 共建 共同 精神 美好 温馨 大家 和谐 绿色 农家 人才 青年 老年 白领 高铁 地铁 城际 火车 轻轨 门 城 别 度假 高新 经开 县 市 老城 历史 文化 产业 特色 女 男 单 双 购物 隐患 超级".split()
)
GENERIC_END = re.compile(r"(?:高速公|铁|公|马|道|线|电|网|思|出|一条|这条|那条|条|走|修|半|问|迷|盲|岔|情一|几|分|坡|顺|末|阻|住宅|老旧|安置|封闭|商业|我们|的|这个|该)\Z")

_ORGANISATION = (
    r"公司|集团|派出所|支行|分行|银行|小学|中学|大学|学院|学校|幼儿园|医院|卫生院|卫生服务中心|卫生服务站|诊所|超市|商场|市场|菜市场|农贸市场|酒店|宾馆|饭店|餐厅|餐馆|面馆|粉馆|火锅店|药店|药房|店|馆|局|所|院|厅|中心|委员会|业委会|业主委员会|业主大会|居委会|村委会|管委会|"
    r"物业公司|物业服务中心|街道办|办事处|社区|营业厅|营业部|服务区|网点|车站|公交站|地铁站|收费站|加油站|停车场|消防站|大队|支队|中队|项目部|工厂|厂"
)
PART_OF_ORGANISATION = re.compile(rf"[一-鿿]{{0,4}}?(?:{_ORGANISATION})")
BREAK = re.compile(r"[。;!?\n]|与|和|及|到|至|、|从|在|是|由|,")
_FILLER = r"[^\W的在住是到去于和与有我你他她,、]{0,10}?"
OWNER_AFTER = re.compile(rf" ?(?:的|\()?{_FILLER}(?:{_ORGANISATION})(?!老板|员工|门口|附近|对面|旁)")
OWNER_BEFORE = re.compile(
    rf"(?:{_ORGANISATION}|政府|法院|检察院|公安|税务|大厅|部门|单位)(?:总部|本部)?(?:的)?[\"”」]?[:,(]?(?:注册|经营|办公|营业|生产|办事|接访|来访|联系|详细)?(?:地址|地点|住所|场所)?(?:位于|地处|坐落于|坐落在|设在|设于|地址|住所|[:为是(]){{1,2}}[: ]?[一-鿿A-Z0-9]{{0,16}}\Z"
)
BRANCH = re.compile(r"(?:门店|分店|连锁店|专卖店|旗舰店|直营店|营业厅|营业部|支行|分行|网点|分公司|分理处|加盟店|体验店)")
HOME = re.compile(r"小区|花园|家园|公寓|苑|新村|单元|宿舍|家属院|别墅|村.{0,6}组|[0-9]室|[栋幢][ ]?[0-9]{3,4}")
QUANTITY_AFTER = re.compile(r"(?:楼房|房子|房屋|住房|民房|别墅|住宅|危房|厂房|建筑|大楼|高楼|桥|山|塔|的?房)")
