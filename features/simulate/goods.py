"""What is traded: HS codes with their usual price, duty, season and origins.

Codes are those of the Harmonised System (six digits); price, duty and weight are round assumptions
of the right order, not statistics.
"""

from typing import NamedTuple


class Goods(NamedTuple):
    code: str
    weight: float
    """Share of consignments, relative."""
    gbp_per_kg: float
    duty_percent: float
    peak_month: int
    """0 for none; otherwise volume rises by half around it."""
    perishable: bool
    appeal: float
    """Log-odds by which opportunists prefer it (as cover, or to evade its duty)."""
    origins: tuple[str, ...]


def _goods(
    code: str,
    weight: float,
    gbp_per_kg: float,
    duty_percent: float,
    origins: str,
    *,
    peak_month: int = 0,
    perishable: bool = False,
    appeal: float = 0.0,
) -> Goods:
    countries = tuple(origins.split())
    return Goods(code, weight, gbp_per_kg, duty_percent, peak_month, perishable, appeal, countries)


GOODS: tuple[Goods, ...] = (
    _goods("020130", 1.2, 7.0, 12, "IE NL BR", perishable=True),
    _goods("020329", 0.8, 2.8, 10, "DK NL PL", perishable=True),
    _goods("030214", 0.9, 7.5, 2, "NO DK", perishable=True),
    _goods("030617", 0.6, 8.0, 6, "IN VN EC", perishable=True, appeal=0.2),
    _goods("040690", 1.5, 5.5, 8, "IE FR IT NL", perishable=True),
    _goods("060311", 1.4, 6.0, 8, "NL KE CO", peak_month=2, perishable=True, appeal=0.5),
    _goods("060312", 0.6, 5.0, 8, "NL CO", peak_month=5, perishable=True, appeal=0.4),
    _goods("070200", 1.8, 1.9, 8, "ES NL MA", peak_month=3, perishable=True, appeal=0.3),
    _goods("070960", 1.3, 2.1, 6, "ES NL", peak_month=2, perishable=True, appeal=0.3),
    _goods("080390", 1.0, 0.9, 8, "CO EC CR", perishable=True, appeal=0.9),
    _goods("080440", 0.6, 2.4, 4, "PE ES ZA", perishable=True, appeal=0.3),
    _goods("080510", 1.0, 0.9, 8, "ES ZA MA", peak_month=12, perishable=True, appeal=0.3),
    _goods("080810", 0.8, 1.0, 4, "FR ZA IT", peak_month=10, perishable=True),
    _goods("090111", 0.6, 4.0, 0, "BR CO VN", appeal=0.5),
    _goods("090240", 0.4, 2.8, 0, "KE IN LK"),
    _goods("100630", 0.6, 1.1, 5, "IN PK IT", appeal=0.2),
    _goods("170199", 0.4, 0.7, 20, "FR BR", appeal=0.1),
    _goods("180632", 1.1, 4.5, 8, "BE DE PL", peak_month=11),
    _goods("190531", 1.2, 2.6, 8, "PL BE DE", appeal=0.2),
    _goods("200290", 0.6, 1.0, 12, "IT ES TR"),
    _goods("210690", 1.2, 4.0, 6, "NL US DE", appeal=0.1),
    _goods("220300", 1.2, 0.9, 0, "NL BE DE", peak_month=6, appeal=0.7),
    _goods("220421", 1.6, 3.2, 10, "FR IT ES ZA", peak_month=11, appeal=0.6),
    _goods("220830", 0.6, 8.0, 0, "US IE", peak_month=11, appeal=0.7),
    _goods("220860", 0.5, 5.0, 0, "PL NL", appeal=0.8),
    _goods("230910", 0.8, 1.3, 4, "FR DE TH"),
    _goods("240220", 0.2, 22.0, 50, "PL RO CH", appeal=1.0),
    _goods("240319", 0.2, 30.0, 70, "BE NL", appeal=1.0),
    _goods("300490", 1.4, 80.0, 0, "DE CH IN IE", appeal=0.2),
    _goods("320910", 0.6, 3.0, 6, "DE NL"),
    _goods("330300", 0.6, 32.0, 0, "FR ES", peak_month=11, appeal=0.5),
    _goods("330499", 0.9, 15.0, 0, "FR PL KR", appeal=0.3),
    _goods("360410", 0.1, 4.0, 6, "CN", peak_month=10, appeal=0.3),
    _goods("380894", 0.4, 3.2, 6, "DE NL"),
    _goods("390110", 0.9, 1.3, 6, "BE NL DE"),
    _goods("392010", 0.7, 2.4, 6, "DE IT"),
    _goods("392321", 0.9, 2.2, 6, "CN TR PL", appeal=0.2),
    _goods("392690", 1.6, 5.0, 6, "CN DE", appeal=0.3),
    _goods("401110", 0.8, 4.0, 4, "DE CN PL"),
    _goods("420221", 0.5, 60.0, 2, "IT CN", peak_month=11, appeal=0.8),
    _goods("420292", 0.8, 11.0, 2, "CN VN", appeal=0.5),
    _goods("440711", 0.8, 0.5, 0, "LV NO", appeal=0.1),
    _goods("441231", 0.4, 0.9, 6, "CN ID BR"),
    _goods("481910", 1.0, 1.5, 0, "DE NL PL"),
    _goods("490199", 0.7, 5.5, 0, "CN DE", peak_month=10),
    _goods("610910", 1.8, 16.0, 12, "BD TR CN", peak_month=4, appeal=0.6),
    _goods("611020", 1.0, 19.0, 12, "BD TR", peak_month=9, appeal=0.5),
    _goods("620342", 1.1, 17.0, 12, "BD PK TR", appeal=0.5),
    _goods("620462", 1.0, 18.0, 12, "BD TR CN", appeal=0.5),
    _goods("630260", 0.5, 7.0, 12, "PK TR IN", appeal=0.2),
    _goods("630720", 0.1, 9.0, 6, "CN TR", peak_month=5, appeal=0.4),
    _goods("640299", 0.9, 11.0, 16, "CN VN", appeal=0.5),
    _goods("640399", 0.7, 28.0, 8, "IT PT VN", appeal=0.4),
    _goods("640411", 0.8, 21.0, 16, "VN CN ID", appeal=0.8),
    _goods("680221", 0.3, 0.6, 0, "IT TR IN", appeal=0.2),
    _goods("690721", 0.7, 0.5, 4, "ES IT TR", appeal=0.3),
    _goods("701090", 0.6, 0.6, 6, "FR DE"),
    _goods("711319", 0.2, 8000.0, 2, "TR IN AE", appeal=0.6),
    _goods("730890", 0.8, 2.2, 0, "PL DE", appeal=0.1),
    _goods("731815", 0.8, 3.6, 2, "CN DE"),
    _goods("732393", 0.7, 7.0, 2, "CN IN", appeal=0.2),
    _goods("761699", 0.7, 6.5, 6, "DE CN IT", appeal=0.1),
    _goods("840721", 0.1, 13.0, 2, "JP CN", peak_month=5, appeal=0.4),
    _goods("840999", 0.8, 14.0, 0, "DE US", appeal=0.1),
    _goods("841510", 0.4, 9.0, 0, "CN TH", peak_month=5),
    _goods("841810", 0.5, 4.5, 0, "TR PL CN"),
    _goods("842952", 0.3, 6.0, 0, "JP DE", appeal=0.3),
    _goods("844332", 0.4, 15.0, 0, "CN MY"),
    _goods("845011", 0.6, 3.8, 0, "TR PL"),
    _goods("847130", 0.9, 210.0, 0, "CN", peak_month=11, appeal=0.2),
    _goods("848180", 0.7, 17.0, 0, "DE IT CN"),
    _goods("850440", 0.9, 24.0, 0, "CN DE", appeal=0.3),
    _goods("850760", 0.8, 18.0, 2, "CN KR", appeal=0.2),
    _goods("851713", 0.7, 480.0, 0, "CN VN IN", peak_month=10, appeal=0.4),
    _goods("851762", 0.8, 95.0, 0, "CN MY"),
    _goods("851830", 0.5, 55.0, 0, "CN VN", peak_month=11, appeal=0.7),
    _goods("852872", 0.5, 14.0, 6, "TR PL CN", peak_month=11),
    _goods("854231", 0.4, 900.0, 0, "MY KR"),
    _goods("854442", 0.7, 11.0, 2, "CN RO", appeal=0.1),
    _goods("870323", 1.2, 12.0, 10, "DE JP ES"),
    _goods("870829", 1.2, 7.0, 2, "DE ES PL", appeal=0.1),
    _goods("870899", 1.3, 6.5, 2, "DE PL TR", appeal=0.3),
    _goods("871200", 0.4, 14.0, 14, "PT CN", peak_month=4, appeal=0.3),
    _goods("890312", 0.1, 12.0, 2, "CN TR", peak_month=5, appeal=0.5),
    _goods("901890", 0.7, 110.0, 0, "US DE", appeal=0.1),
    _goods("910211", 0.3, 700.0, 2, "CH CN", appeal=0.8),
    _goods("940161", 1.1, 5.0, 0, "PL CN", appeal=0.3),
    _goods("940320", 0.8, 3.8, 0, "CN PL", appeal=0.1),
    _goods("940360", 1.1, 3.2, 0, "PL CN VN", appeal=0.4),
    _goods("950300", 1.2, 10.0, 0, "CN", peak_month=10, appeal=0.6),
    _goods("950450", 0.4, 120.0, 0, "CN JP", peak_month=11, appeal=0.2),
    _goods("950691", 0.5, 5.0, 2, "CN", peak_month=12),
    _goods("961900", 0.6, 3.5, 0, "PL CZ DE"),
)
GOODS_INDEX: dict[str, int] = {goods.code: at for at, goods in enumerate(GOODS)}
