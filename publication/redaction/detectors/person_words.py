"""What tells a person's name from ordinary words, places, shops and works."""

from __future__ import annotations

import re

from publication.redaction.lexicon import TITLES

NEVER_LAST = frozenset(
    "说未要反没被把在也仍是于对向给让称打因为到等去拿来已的了和与及或又都就还从将其他她我你们这那该此每各某之所以而且但则若呢吗吧啊"
    "时日月年号楼室路街区县市省镇乡村队组名位个次件条张元块万千百亿点分秒很更最太不无非均应可能会想找问讲叫做住过着得地走跑看听写买卖"
    "房者人树证感性率费权债税化"
    "科局处部厅司院校厂店铺馆站所"
) - frozenset("日月年万千可会非名省楼")
SWALLOWED = NEVER_LAST | frozenset("成为将用出任专曾")
NEVER_FIRST = frozenset("的了是在和与及或也都就还从将其他她我你们这那该此每各某之所被把让给对向于为因到去来说要没不已曾经理总局长处科主任师傅某")
NOT_GIVEN = frozenset(
    "先生 女士 小姐 太太 师傅 老师 医生 经理 主任 书记 局长 记者 同志 阿姨 大爷 大妈 警官 律师 法官 教授 会长 院长 校长 队长 所长 科长 处长 "
    "老板 同学 医师 护士 家的 家里 家人 家村 家庄 家湾 家界 家口 家港 家汇 姓 氏 记 总 工 导 队 局 处 董 老".split()
)
# Dictionary words, places, brands and things that begin with a surname character.
COMMON = frozenset(
    "米兰 慕尼黑 圣保罗 阿拉伯 西雅图 威尼斯 奥斯卡 何时能 何居心 何以堪 何措施 太多太多 家里人 练歌 灵芝 杨柳 幸福感 宿舍楼 楼栋 比登天 王法 南二环 桂花树 东方红 金山 盛世 李家 包括本 哈佛 牟利 范畴 严重侵 严重者 路东 屈子 关云长 狄仁杰 辛弃疾 王阳明 孟姜女 奥特莱斯 小康 施舍 令人 莫大 华润 华府 多谢 安然 农家乐 江山 辛勤 于民 小车 老楼 匡扶 杜甫 李白 苏轼 曹操 贺龙 初中生 高中生 大学生 老公 老婆 保姆 银杏 乌云 白鸽 拜托 卡顿 明珠 万幸 摩托 萨克斯 贝多芬 海尔 格力 高德 路基 满怀 普瑞 小班 小学 小路 小时 小区 老师 老板 老家 老年 阿姨 银行 来自 高达 多达 默契 克隆 荣耀 古老 麻木 高超 富豪 花红 天王 史诗 秦淮 欧冠 英超 西甲 意甲 古兰经 轩辕剑 伊朗 伊拉克 索马里 阿富汗 巴勒斯坦 以色列 科威特 卡塔尔 阿曼 也门 约旦 黎巴嫩 叙利亚 土耳其 希腊 罗马 巴黎 伦敦 柏林 马德里 米兰 都灵 莫斯科 华盛顿 纽约 洛杉矶 多伦多 悉尼 墨尔本 巴塞罗那 阿根廷 巴西 智利 秘鲁 哥伦比亚 墨西哥 古巴 加拿大 西班牙 葡萄牙 意大利 法兰西 德意志 英格兰 苏格兰 爱尔兰 威尔士 荷兰 比利时 瑞士 瑞典 挪威 芬兰 丹麦 波兰 捷克 匈牙利 罗马尼亚 保加利亚 塞尔维亚 克罗地亚 乌克兰 俄罗斯 埃及 南非 尼日利亚 肯尼亚 阿尔及利亚 利比亚 印度 巴基斯坦 孟加拉 斯里兰卡 尼泊尔 泰国 缅甸 老挝 柬埔寨 越南 马来西亚 新加坡 印度尼西亚 菲律宾 蒙古 哈萨克斯坦 欧洲 亚洲 非洲 美洲 阿里巴巴 奥林匹克 奥迪 奔驰 宝马 丰田 本田 马自达 福特 雪佛兰 别克 特斯拉 比亚迪 可口可乐 百事 麦当劳 肯德基 星巴克 沃尔玛 家乐福 微软 谷歌 苹果 三星 索尼 诺基亚 摩托罗拉 西门子 飞利浦 马赛克 巧克力 三文治 沙拉 沙龙 芭蕾 马达 马拉松 迪斯科 卡拉 奥特莱斯 万达 高兴 高级 高度 高新 高速 高温 高峰 高中 高等 高校 高铁 高考 高层 高空 白天 白色 白领 万一 万元 万达 万科 万里 万能 安全 安装 安排 安静 安置 安徽 安心 安居 安康 于是 于此 金额 金融 金属 金钱 金牌 "
    "马上 马路 马达 马桶 文化 文明 文件 文字 黄色 黄金 黄河 黄山 黄石 程序 程度 曲线 成立 成为 成功 成本 成果 成都 成员 成年 成交 成熟 成绩 路灯 路口 路面 路段 游戏 游客 游泳 游乐 司法 司机 司令 古代 单位 单元 单独 "
    "单车 单号 车辆 车位 车库 车站 车主 车票 项目 连续 连接 连锁 全部 全面 全国 全家 全体 全程 全市 应该 应当 应用 师傅 商品 商店 商家 商业 商户 商场 商务 商量 明天 明显 明确 明星 明白 查询 查看 查处 查明 官方 官员 "
    "谈话 谈判 乐园 乐器 乐队 南京 南昌 南宁 南方 南北 南路 原因 原来 原告 原则 原定 满意 满足 位置 位于 海洋 海鲜 海南 海关 花园 花费 花钱 花卉 权利 权力 权益 权限 强制 强烈 强行 强调 国家 国内 国际 国庆 平安 平方 "
    "平台 平时 平均 计划 计算 计量 相关 相当 相信 相互 门口 门店 门诊 门面 门卫 云南 云计算 容易 来到 来源 来电 来信 都市 干部 干净 干预 但是 由于 信息 信用 信任 信号 信访 展示 展开 居民 居住 居委 智能 智慧 幸福 幸运 富裕 富有 "
    "方便 方法 方式 方面 方案 方向 常常 常年 常见 向前 向上 包括 包装 包含 包车 关于 关系 关闭 关注 关心 史上 任务 任何 任意 和谐 和平 时间 时候 时代 时常 费用 费时 房屋 房子 房间 房产 房东 冷静 冷气 温度 温馨 温泉 景区 景观 "
    "党员 党委 党组 米饭 印刷 战略 战斗 公司 公园 公路 公安 公示 公告 公开 公正 公平 公共 公交 公寓 公积金 利益 利用 利息 利润 阳光 阳台 丰富 丰收 巴士 支持 支付 支出 盖章 区域 区别 祖国 宣传 宣布 普通 普遍 初步 初中 敬请 强化 "
    "江苏 江西 江南 江北 江湖 林业 林地 叶子 周围 周边 周末 周日 周一 周二 周三 周四 周五 周六 周期 周年 周转 钱包 钱款 毛病 毛巾 牛奶 牛肉 黄牛 雷电 雷同 左右 左边 左侧 麦子 蓝色 蓝天 盘查 玉米 沙发 沙石 荣誉 荣幸 惠民 梁子 "
    "何时 何况 何处 何必 何种 何以 何止 陈旧 陈述 陈列 张贴 张开 张罗 张望 张口 王牌 王国 李子 刘海 杨树 杨梅 赵家 吴语 徐徐 孙子 孙女 朱红 胡同 胡乱 胡说 郭家 罗列 郑重 谢谢 谢绝 谢意 谢天 宋体 唐突 许可 许多 许诺 许久 韩国 "
    "韩语 邓家 冯家 曹操 彭湃 曾经 曾在 曾多次 曾是 曾有 肖像 田地 田野 田园 田间 董事 董事会 袁家 蔡家 蒋家 余额 余款 余地 余下 余年 余名 余户 余人 余次 余元 余万 杜绝 杜鹃 魏家 苏州 苏打 吕家 丁字 丁香 任凭 任职 卢家 姚家 沈阳 钟头 "
    "钟表 姜葱 崔家 谭家 陆续 陆地 陆军 范围 范例 汪洋 廖家 贾家 夏天 夏季 夏日 付款 付费 付出 付清 付给 付钱 方才 邹家 熊猫 孟子 秦岭 邱家 江河 尹家 薛家 闫家 段落 段路 段时间 雷雨 龙头 龙门 黎明 史料 陶瓷 陶器 贺卡 贺岁 顾客 顾及 "
    "顾虑 顾问 龚家 邵家 覃家 武汉 武器 武警 武术 钱财 戴着 戴上 严重 严格 严禁 严查 严惩 严肃 严厉 严密 莫名 莫非 孔子 孔洞 汤圆 常态 常规 常务 常德 康复 康乐 施工 施行 施压 施救 牛栏 齐全 齐心 易于 易懂 乔木 伍佰 庞大 颜色 庄严 "
    "庄稼 章程 章节 鲁迅 岳阳 岳麓 申请 申报 申诉 申办 申领 申购 耿直 关停 关门 兰州 兰花 焦急 焦虑 焦点 左转 甘肃 祝愿 祝福 祝您 包工头 宁静 宁愿 宁波 宁夏 符合 舒适 舒服 阮家 柯南 纪律 纪委 纪检 纪念 梅花 童年 童装 凌晨 凌乱 毕竟 毕业 "
    "单价 单纯 季度 季节 裴家 霍乱 成品 苗木 苗圃 谷物 盛大 盛行 冉家 路过 路人 路边 辛苦 辛劳 管理 管道 管委 管线 管辖 管制 柴油 柴火 蒙受 蒙古 鲍鱼 华为 华丽 华侨 喻家 祁家 蒲公英 屈服 饶恕 艾滋 尤其 尤为 穆斯林 农民 农村 农业 农贸 "
    "农历 农药 卓越 古城 古迹 吉利 吉林 吉祥 缪误 简单 简直 简化 简易 连同 连云 芦苇 麦当劳 岑溪 宫殿 卜居 席位 卫生 卫星 卫浴 柏油 宗旨 宗教 全是 佟家 应急 应有 应收 臧家 苟且 边上 边界 仇恨 隋朝 商贩 刁难 荣获 郎朗 巩固 池塘 麻烦 麻将 "
    "苑区 封闭 封堵 官网 匡正 惠州 荆州 乐山 储存 储蓄 储备 班级 班主任 班车 燕子 楚雄 劳动 劳务 劳资 皮肤 皮革 粟米 洗手 楼上 楼下 楼层 楼顶 楼房 楼道 楼盘 盘点 闻名 位于 厉害 伊始 区政府 全额 海口 海外 阿里 元旦 信件 花坛 帅气 屠宰 豆腐 "
    "朴实 练习 廉价 廉租 井盖 井水 漆黑 支行 巴西 国道 平整 平日 索要 索赔 晋级 相邻 相应 门禁 门槛 敬业 敬礼 敬爱 尊敬 扈从 普及 鹿角 薄弱 雍和 羊肉 母亲 裘皮 况且 那么 那些 那边 那样 那里 那天 那时 那家 那个 宿舍 鲜花 鲜明 茅台 居然 "
    "居中 但愿 展览 幸亏 植物 奉献 衡阳 衡量 富强 于今 向阳 石油 石头 石家庄 石材 石化 解决 解释 解除 解放 解答 解散 解读 竺可桢 翁婿 樊家 黄家 张家界 马鞍山 石景山 王府井 徐家汇 陆家嘴 周黑鸭 老干妈 王老吉 李宁 周大福 周大生 周六福 "
    "任正常 高标准 高质量 高强度 万余元 万多元 安全感 安全性 马拉松 白血病 方便面 方向盘 金融街 江南春 常住 常用 常人 时至今日 时不时 关键 关爱 关怀 田径 明知 明文 明令 成群 成片 成片区 文物 文艺 文章 文员 游行 游走 余生 严峻 严谨 钟点工 "
    "水平 水泥 水管 安检 安保 安防 安家 温和 石板 石碑 沙子 沙坪 金沙 毛坯 毛利 柳树 柳州 梅州 梅雨 童话 夏令营 宋朝 唐朝 唐诗 汉朝 汉族 苗族 白族 满族 回族 康熙 乾隆 范本 范文 封面 封建 师生 师范 师资 万人 万户 万份 安乐死".split()
)
NOT_TITLED = frozenset(
    "高级 和 于 向 由 从 应 时 都 那 当 原 查 单 全 来 由于 关于 关 安 明 成 平 国 石 方 常 任 包 干 管 封 商 相 连 简 解 满 乐 文 信 公 农 边 卫 应 车 司 支 边 车 班 区 校 施 员 职 包".split()
)
_TITLES = "|".join(sorted((title for title in TITLES if len(title) >= 2), key=len, reverse=True))
TITLE_WORD = re.compile(f"(?:{_TITLES})")
_SHOP = (
    "面馆|粉馆|火锅|饭店|饭馆|餐馆|餐厅|酒楼|酒家|酒店|烧烤|烤肉|烤鸭|烤鱼|早餐|包子|饺子|牛肉面|米粉|麻辣烫|卤味|卤菜|奶茶|甜品|蛋糕|面包|超市|便利店|商店|小卖部|小店|药店|药房|"
    "诊所|理发|美容|美发|养生|足浴|推拿|工作室|培训|琴行|画室|店|铺|坊|集团|公司|大院|律师事务所|事务所|豆浆|鸭脖|凉皮|小炒|私房菜|农家乐|客栈|民宿|家纺|珠宝|服饰|鞋业|地产|房产|物业"
)
SHOP_TITLE = re.compile(rf"(?:{_TITLES})[一-鿿A-Za-z0-9]{{0,3}}?(?:{_SHOP})")
ORGANISATION_AFTER = re.compile(
    rf"(?:[一-鿿]{{0,2}}?(?:{_SHOP})|[一-鿿]{{0,2}}?(?:中学|小学|大学|学院|医院|基金会|博物馆|纪念馆|图书馆|美术馆|体育馆)"
    r"|[^\W在住是的到去于和说有买租从对将与被把反投举、]{0,3}?(?:小区|花园|家园|公园|广场|大厦|国际|世家|公馆|社区|高架桥|驾校|学校|体校|幼儿园|街道|地铁|公路)"
    r"|记(?!者|录|得|下|载)|路(?!过|上)|大道|大街|[东西南北中]路|巷|镇(?!定)|乡(?!下|里)|县|市(?!民)|区|村(?!民|里|委)|庄|湾|桥|寺|庙|祠|故居|墓|奖|杯|定理|法则|号(?!码|[0-9])|牌|族|式|版|品牌|小区|花园|家园|广场|大厦|机场)(?<!称号)"
)
PLACE_END = re.compile(r"(?:[省市区县镇乡村路街巷桥寺庙站港岛]|大道|小区|广场)\Z")
SOUND_CLASSES = frozenset("nr ns nz".split())
NAME_CLASSES = frozenset("nr nrt nrfg ns nz x".split())
PLAIN_CLASSES = frozenset("vdapcmrtqus")
BEFORE_NAME = frozenset("有 是 叫 名叫 找 投诉 反映 举报 联系 村民 业主 居民 司机 老板 员工 主任 书记 经理 老师 医生 记者 先生 女士".split())
# Characters with which foreign names are written by sound.
SOUNDS = (
    "阿埃艾爱安昂奥巴白班邦保鲍贝本比彼宾波伯博勃布策查茨达大戴丹当道德登邓狄迪蒂丁东杜敦顿多恩尔法凡范菲费芬佛弗福夫富盖戈哥格根古瓜圭哈海汉汗豪赫黑亨洪胡华霍基吉季加贾杰金捷卡凯坎康考科克肯孔库夸奎昆"
    "拉莱兰朗劳勒雷里理利莉丽列林琳留刘龙隆娄卢鲁吕伦罗洛马玛麦曼芒梅门蒙米密敏明摩莫默姆穆纳娜南瑙内尼妮涅宁纽农诺努欧帕派潘庞佩彭皮平珀普契恰乔钦琴琼丘热日荣茹儒瑞若萨赛桑瑟森沙莎珊山尚舍申圣施"
    "什史士舒朔思斯松苏索塔泰坦汤唐陶特滕提图托瓦万旺威韦维魏温文翁沃乌武西希锡夏香歇谢辛欣休许雪逊雅亚延扬耶叶伊因英尤于约泽曾扎詹湛章哲珍芝朱子佐兹蓓蕾茜黛伽伍凌冈切托奈奇娃巳思扬梵爵玻瓜甘田白皮盖祖"
    "古丽买提孜汗江江别克热吾尔曼苏艾力依米努尔阿卜杜依玛合吐逊才仁扎西卓顿珠央金次旦巴桑格措旺堆嘎玛布日乌云其塔娜科穆策符纪纳罕维翰肖胡腊艺艾芙芭苔茉荷莲菜葛蓬薇藏让诗诺谢豪贡费赖迈连迦迪逊道邦鄂里鉴钦锡门阮阳陀隆雪雷雅霍韦顿颇香马高鲍鲁黎默齐"
)
ENGLISH_FIRST_NAMES = frozenset(
    "james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary "
    "nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose adam henry nathan douglas zachary peter kyle walter ethan jeremy harold keith "
    "christian roger noah gerald carl terry sean austin arthur lawrence jesse dylan bryan joe jordan billy bruce albert willie gabriel logan alan juan wayne roy ralph randy eugene vincent russell elijah louis bobby philip johnny "
    "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy lisa betty margaret sandra ashley kimberly emily donna michelle carol amanda dorothy melissa deborah stephanie rebecca sharon laura cynthia kathleen "
    "amy angela shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet catherine maria heather diane ruth julie olivia joyce virginia victoria kelly lauren christina joan evelyn judith "
    "megan andrea cheryl hannah jacqueline martha gloria teresa ann sara madison frances kathryn janice jean abigail alice julia judy sophia grace denise amber doris marilyn danielle beverly isabella theresa diana natalie brittany "
    "charlotte marie kayla alexis lori tony tom mike lucy lily rose bob bill jim tim steve dave nick alex ben sam max leo fiona vivian cindy wendy tina jane kate ivy eva ella mia zoe chloe oscar simon martin oliver hugo felix "
    "marco luca pierre jean hans karl ivan igor boris dmitri sergei vladimir ahmed ali hassan mohammed muhammad omar yusuf raj ravi carlos pedro luis miguel antonio francisco fernando rafael diego paulo".split()
)


def sounds_foreign(name: str) -> bool:
    """Whether a dotted name consists mostly of characters used for writing by sound."""
    parts = name.split("·")
    letters = "".join(parts)
    return min(map(len, parts)) >= 1 and max(map(len, parts)) >= 2 and sum(char in SOUNDS for char in letters) * 3 >= len(letters) * 2


ESTATE_END = re.compile(r"(?:[府阁苑城园湾庭院居郡邸轩座]|广场|国际|公馆|小区|项目)\Z")

# What follows a person's name; also where a name may begin and where a field ends.
FOLLOWS = re.compile(
    r"[,。;:、()\"”」》!?/\n ]|\Z|的|名下|身份|住在|账户|电话|手机|银行卡|申请|将|护照|户籍|同学|告诉|表示|说|称|认为|反映|投诉|介绍|指出|透露|接受|等人|家属|本人|夫妇|先生|女士|老师|医生|告知|要求|拒绝|拖欠|收取|因|在|则|也|昨|近日|从|自|与|和|及|就|还|都|却|已|曾|被|把|向|让|不|没|去|来|等|博客|微博|[0-9]"
)
CLAUSE_START = re.compile(r"\A|[,。;:、()\"“「《!?\n /]")
FIELD_END = re.compile(r"[,;(]|\Z")
