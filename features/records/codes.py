"""Lists of codes that a record may use, frozen: a code that is on none of them is a mistake.

References:
    Countries: ISO 3166-1 alpha-2, and four codes that trade uses beside them. Currencies: ISO 4217
    list one, with codes withdrawn lately, because old files have them.
"""

from collections.abc import Mapping

from features.countries import IN_TRADE

_CURRENCIES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP
BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB
EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD
JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD
XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG ZWL
"""

CURRENCIES: frozenset[str] = frozenset(_CURRENCIES.split())

CODE_LISTS: Mapping[str, tuple[frozenset[str], str, str]] = {
    "country": (IN_TRADE, "unknown_country", "ISO 3166-1 alpha-2 code of a country"),
    "currency": (CURRENCIES, "unknown_currency", "ISO 4217 code of a currency"),
}
"""Name of a list to its codes, the code of the refusal, and what one of its codes is called."""
