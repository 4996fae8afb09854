"""Countries by the names people type: five languages, ISO2 and ISO3, common variants.

One line is: ISO2, ISO3, folded names (`core.values.text.fold`) in English, French, German, Spanish and
Italian; a country with many names has several lines. Names follow Unicode CLDR; variants were added by hand.
"""

from __future__ import annotations

from functools import lru_cache

from core.values.text import fold, tidy

_TABLE = """
AD AND andorra|andorre
AE ARE united arab emirates|emirats arabes unis|vereinigte arabische emirate|emiratos arabes unidos
AE ARE emirati arabi uniti|uae|u.a.e.|emirates|emirats|vae|eau
AF AFG afghanistan|afganistan
AG ATG antigua & barbuda|antigua-et-barbuda|antigua et barbuda|antigua und barbuda|antigua y barbuda
AG ATG antigua e barbuda
AI AIA anguilla|anguila
AL ALB albania|albanie|albanien
AM ARM armenia|armenie|armenien
AO AGO angola
AQ ATA antarctica|antarctique|antarktis|antartida|antartide
AR ARG argentina|argentine|argentinien
AS ASM american samoa|samoa americaines|amerikanisch-samoa|amerikanisch samoa|samoa americana
AS ASM samoa americane
AT AUT austria|autriche|osterreich
AU AUS australia|australie|australien
AW ABW aruba
AX ALA aland islands|iles aland|alandinseln|islas aland|isole aland
AZ AZE azerbaijan|azerbaidjan|aserbaidschan|azerbaiyan|azerbaigian
BA BIH bosnia & herzegovina|bosnie-herzegovine|bosnie herzegovine|bosnien und herzegowina
BA BIH bosnia y herzegovina|bosnia ed erzegovina|bosnia|bosnie
BB BRB barbados|barbade
BD BGD bangladesh|bangladesch|banglades
BE BEL belgium|belgique|belgien|belgica|belgio|belgie
BF BFA burkina faso
BG BGR bulgaria|bulgarie|bulgarien
BH BHR bahrain|bahrein|barein
BI BDI burundi
BJ BEN benin
BL BLM st. barthelemy|saint-barthelemy|saint barthelemy|san bartolome
BM BMU bermuda|bermudes|bermudas
BN BRN brunei|brunei darussalam
BO BOL bolivia|bolivie|bolivien|plurinational state of bolivia|bolivia, plurinational state of
BQ BES caribbean netherlands|pays-bas caribeens|pays bas caribeens|karibische niederlande|caribe neerlandes
BQ BES caraibi olandesi
BR BRA brazil|bresil|brasilien|brasil|brasile
BS BHS bahamas|the bahamas
BT BTN bhutan|bhoutan|butan
BV BVT bouvet island|ile bouvet|bouvetinsel|isla bouvet|isola bouvet
BW BWA botswana|botsuana
BY BLR belarus|bielorussie|bielorrusia|bielorussia|weissrussland|belorussia
BZ BLZ belize|belice
CA CAN canada|kanada
CC CCK cocos (keeling) islands|iles cocos|kokosinseln|islas cocos|isole cocos (keeling)
CD COD congo - kinshasa|congo   kinshasa|congo-kinshasa|congo kinshasa|kongo-kinshasa|kongo kinshasa
CD COD republica democratica del congo|democratic republic of the congo|dr congo|drc|rdc
CD COD congo, the democratic republic of the
CF CAF central african republic|republique centrafricaine|zentralafrikanische republik
CF CAF republica centroafricana|repubblica centrafricana
CG COG congo - brazzaville|congo   brazzaville|congo-brazzaville|congo brazzaville|kongo-brazzaville
CG COG kongo brazzaville|congo|republic of the congo
CH CHE switzerland|suisse|schweiz|suiza|svizzera|swiss
CI CIV cote d'ivoire|costa d'avorio|ivory coast|cote d ivoire|elfenbeinkuste|costa de marfil
CK COK cook islands|iles cook|cookinseln|islas cook|isole cook
CL CHL chile|chili|cile
CM CMR cameroon|cameroun|kamerun|camerun
CN CHN china|chine|cina|people's republic of china|pr china|p.r. china|mainland china|chine populaire
CN CHN vr china
CO COL colombia|colombie|kolumbien
CR CRI costa rica
CU CUB cuba|kuba
CV CPV cape verde|cap-vert|cap vert|cabo verde|capo verde|kap verde
CW CUW curacao|curazao
CX CXR christmas island|ile christmas|weihnachtsinsel|isla de navidad|isola christmas
CY CYP cyprus|chypre|zypern|chipre|cipro
CZ CZE czechia|tchequie|tschechien|chequia|cechia|czech republic|republique tcheque|tschechische republik
CZ CZE republica checa|repubblica ceca|ceska republika|tschechei
DE DDR germany|allemagne|deutschland|alemania|germania|brd|federal republic of germany
DE DDR bundesrepublik deutschland
DJ DJI djibouti|dschibuti|yibuti|gibuti
DK DNK denmark|danemark|dinamarca|danimarca|danmark
DM DMA dominica|dominique
DO DOM dominican republic|republique dominicaine|dominikanische republik|republica dominicana
DO DOM repubblica dominicana
DZ DZA algeria|algerie|algerien|argelia
EC ECU ecuador|equateur
EE EST estonia|estonie|estland
EG EGY egypt|egypte|agypten|egipto|egitto
EH ESH western sahara|sahara occidental|westsahara|sahara occidentale
ER ERI eritrea|erythree
ES ESP spain|espagne|spanien|espana|spagna
ET ETH ethiopia|ethiopie|athiopien|etiopia
FI FIN finland|finlande|finnland|finlandia|suomi
FJ FJI fiji|fidji|fidschi|fiyi|figi
FK FLK falkland islands|iles malouines|falklandinseln|islas malvinas|isole falkland
FK FLK falkland islands (malvinas)
FM FSM micronesia|micronesie|mikronesien|federated states of micronesia
FO FRO faroe islands|iles feroe|faroer|islas feroe|isole faer oer
FR FRA france|frankreich|francia|france metropolitaine|french republic
GA GAB gabon|gabun
GB GBR united kingdom|royaume-uni|royaume uni|vereinigtes konigreich|reino unido|regno unito|uk|u.k.
GB GBR great britain|britain|england|scotland|wales|northern ireland|angleterre|ecosse|grande-bretagne
GB GBR grande bretagne|grossbritannien|schottland|gran bretana|inglaterra|escocia|gran bretagna|inghilterra
GB GBR united kingdom of great britain and northern ireland|the united kingdom
GD GRD grenada|grenade|granada
GE GEO georgia|georgie|georgien
GF GUF french guiana|guyane francaise|franzosisch-guayana|franzosisch guayana|guayana francesa
GF GUF guyana francese
GG GGY guernsey|guernesey
GH GHA ghana
GI GIB gibraltar|gibilterra
GL GRL greenland|groenland|gronland|groenlandia
GM GMB gambia|gambie|the gambia
GN GIN guinea|guinee
GP GLP guadeloupe|guadalupe|guadalupa
GQ GNQ equatorial guinea|guinee equatoriale|aquatorialguinea|guinea ecuatorial|guinea equatoriale
GR GRC greece|grece|griechenland|grecia|hellas|ellada
GS SGS south georgia & south sandwich islands|georgie du sud-et-les iles sandwich du sud
GS SGS georgie du sud et les iles sandwich du sud|sudgeorgien und die sudlichen sandwichinseln
GS SGS islas georgia del sur y sandwich del sur|georgia del sud e sandwich australi
GT GTM guatemala
GU GUM guam
GW GNB guinea-bissau|guinea bissau|guinee-bissau|guinee bissau|guinea-bisau|guinea bisau
GY GUY guyana
HK HKG hong kong sar china|r.a.s. chinoise de hong kong|hongkong|rae de hong kong (china)|ras di hong kong
HK HKG hong kong|hong kong sar
HM HMD heard & mcdonald islands|iles heard-et-macdonald|iles heard et macdonald|heard und mcdonaldinseln
HM HMD islas heard y mcdonald|isole heard e mcdonald
HN HND honduras
HR HRV croatia|croatie|kroatien|croacia|croazia|hrvatska
HT HTI haiti
HU HUN hungary|hongrie|ungarn|hungria|ungheria|magyarorszag
ID IDN indonesia|indonesie|indonesien
IE IRL ireland|irlande|irland|irlanda|eire|republic of ireland
IL ISR israel|israele
IM IMN isle of man|ile de man|isla de man|isola di man
IN IND india|inde|indien
IO IOT british indian ocean territory|territoire britannique de l'ocean indien
IO IOT britisches territorium im indischen ozean|territorio britanico del oceano indico
IO IOT territorio britannico dell'oceano indiano
IQ IRQ iraq|irak
IR IRN iran|islamic republic of iran|iran, islamic republic of
IS ISL iceland|islande|island|islandia|islanda
IT ITA italy|italie|italien|italia
JE JEY jersey
JM JAM jamaica|jamaique|jamaika|giamaica
JO JOR jordan|jordanie|jordanien|jordania|giordania
JP JPN japan|japon|giappone|nippon
KE KEN kenya|kenia
KG KGZ kyrgyzstan|kirghizstan|kirgisistan|kirguistan|kirghizistan
KH KHM cambodia|cambodge|kambodscha|camboya|cambogia
KI KIR kiribati
KM COM comoros|comores|komoren|comoras|comore
KN KNA st. kitts & nevis|saint-christophe-et-nieves|saint christophe et nieves|st. kitts und nevis
KN KNA san cristobal y nieves|saint kitts e nevis
KP PRK north korea|coree du nord|nordkorea|corea del norte|corea del nord
KP PRK democratic people's republic of korea
KR KOR south korea|coree du sud|sudkorea|corea del sur|corea del sud|korea|republic of korea|coree|corea
KW KWT kuwait|koweit
KY CYM cayman islands|iles caimans|kaimaninseln|islas caiman|isole cayman
KZ KAZ kazakhstan|kasachstan|kazajistan|kazakistan
LA LAO laos|lao people's democratic republic
LB LBN lebanon|liban|libanon|libano
LC LCA st. lucia|sainte-lucie|sainte lucie|santa lucia|saint lucia
LI LIE liechtenstein
LK LKA sri lanka
LR LBR liberia
LS LSO lesotho|lesoto
LT LTU lithuania|lituanie|litauen|lituania
LU LUX luxembourg|luxemburg|luxemburgo|lussemburgo
LV LVA latvia|lettonie|lettland|letonia|lettonia
LY LBY libya|libye|libyen|libia|libyan arab jamahiriya
MA MAR morocco|maroc|marokko|marruecos|marocco
MC MCO monaco
MD MDA moldova|moldavie|republik moldau|moldavia|republic of moldova|moldova, republic of
ME MNE montenegro
MF MAF st. martin|saint-martin|saint martin|san martin
MG MDG madagascar|madagaskar
MH MHL marshall islands|iles marshall|marshallinseln|islas marshall|isole marshall
MK MKD north macedonia|macedoine du nord|nordmazedonien|macedonia del norte|macedonia del nord|macedonia
MK MKD fyrom|macedoine|mazedonien|the former yugoslav republic of macedonia
ML MLI mali
MM BUR myanmar (burma)|myanmar (birmanie)|myanmar|myanmar (birmania)|burma|birmanie|birmania
MN MNG mongolia|mongolie|mongolei
MO MAC macao sar china|r.a.s. chinoise de macao|macau|rae de macao (china)|ras di macao|macao
MP MNP northern mariana islands|iles mariannes du nord|nordliche marianen|islas marianas del norte
MP MNP isole marianne settentrionali
MQ MTQ martinique|martinica
MR MRT mauritania|mauritanie|mauretanien
MS MSR montserrat
MT MLT malta|malte
MU MUS mauritius|maurice|mauricio|ile maurice
MV MDV maldives|malediven|maldivas|maldive
MW MWI malawi|malaui
MX MEX mexico|mexique|mexiko|messico|mejico
MY MYS malaysia|malaisie|malasia
MZ MOZ mozambique|mosambik|mozambico
NA NAM namibia|namibie
NC NCL new caledonia|nouvelle-caledonie|nouvelle caledonie|neukaledonien|nueva caledonia|nuova caledonia
NE NER niger
NF NFK norfolk island|ile norfolk|norfolkinsel|isla norfolk|isola norfolk
NG NGA nigeria
NI NIC nicaragua
NL NLD netherlands|pays-bas|pays bas|niederlande|paises bajos|paesi bassi|holland|the netherlands|hollande
NL NLD holanda|olanda|nederland
NO NOR norway|norvege|norwegen|noruega|norvegia|norge
NP NPL nepal
NR NRU nauru
NU NIU niue
NZ NZL new zealand|nouvelle-zelande|nouvelle zelande|neuseeland|nueva zelanda|nuova zelanda|aotearoa
OM OMN oman
PA PAN panama
PE PER peru|perou
PF PYF french polynesia|polynesie francaise|franzosisch-polynesien|franzosisch polynesien|polinesia francesa
PF PYF polinesia francese
PG PNG papua new guinea|papouasie-nouvelle-guinee|papouasie nouvelle guinee|papua-neuguinea|papua neuguinea
PG PNG papua nueva guinea|papua nuova guinea
PH PHL philippines|philippinen|filipinas|filippine|the philippines
PK PAK pakistan
PL POL poland|pologne|polen|polonia|polska
PM SPM st. pierre & miquelon|saint-pierre-et-miquelon|saint pierre et miquelon|st. pierre und miquelon
PM SPM san pedro y miquelon|saint-pierre e miquelon|saint pierre e miquelon
PN PCN pitcairn islands|iles pitcairn|pitcairninseln|islas pitcairn|isole pitcairn
PR PRI puerto rico|porto rico|portorico
PS PSE palestinian territories|territoires palestiniens|palastinensische autonomiegebiete
PS PSE territorios palestinos|territori palestinesi|palestine|palestine, state of|state of palestine
PT PRT portugal|portogallo
PW PLW palau|palaos
PY PRY paraguay
QA QAT qatar|katar|catar
RE REU reunion|la reunion|riunione
RO ROU romania|roumanie|rumanien|rumania
RS SRB serbia|serbie|serbien
RU RUS russia|russie|russland|rusia|russian federation|federation de russie|russische foderation
RW RWA rwanda|ruanda
SA SAU saudi arabia|arabie saoudite|saudi-arabien|saudi arabien|arabia saudi|arabia saudita|ksa
SA SAU kingdom of saudi arabia
SB SLB solomon islands|iles salomon|salomonen|islas salomon|isole salomone
SC SYC seychelles|seychellen
SD SDN sudan|soudan
SE SWE sweden|suede|schweden|suecia|svezia|sverige
SG SGP singapore|singapour|singapur
SH SHN st. helena|sainte-helene|sainte helene|santa elena|sant'elena
SI SVN slovenia|slovenie|slowenien|eslovenia|slovenija
SJ SJM svalbard & jan mayen|svalbard et jan mayen|spitzbergen und jan mayen|svalbard y jan mayen
SJ SJM svalbard e jan mayen
SK SVK slovakia|slovaquie|slowakei|eslovaquia|slovacchia|slovak republic|slovensko
SL SLE sierra leone|sierra leona
SM SMR san marino|saint-marin|saint marin
SN SEN senegal
SO SOM somalia|somalie
SR SUR suriname|surinam
SS SSD south sudan|soudan du sud|sudsudan|sudan del sur|sud sudan
ST STP sao tome & principe|sao tome-et-principe|sao tome et principe|sao tome und principe
ST STP santo tome y principe|sao tome e principe
SV SLV el salvador|salvador
SX SXM sint maarten|saint-martin (partie neerlandaise)|saint martin (partie neerlandaise)
SY SYR syria|syrie|syrien|siria|syrian arab republic
SZ SWZ eswatini|esuatini|swaziland
TC TCA turks & caicos islands|iles turques-et-caiques|iles turques et caiques|turks- und caicosinseln
TC TCA turks  und caicosinseln|islas turcas y caicos|isole turks e caicos
TD TCD chad|tchad|tschad|ciad
TF ATF french southern territories|terres australes francaises|franzosische sud- und antarktisgebiete
TF ATF franzosische sud  und antarktisgebiete|territorios australes franceses|terre australi francesi
TG TGO togo
TH THA thailand|thailande|tailandia|thailandia
TJ TJK tajikistan|tadjikistan|tadschikistan|tayikistan|tagikistan
TK TKL tokelau
TL TLS timor-leste|timor leste|timor oriental|timor est|east timor
TM TKM turkmenistan
TN TUN tunisia|tunisie|tunesien|tunez
TO TON tonga
TR TUR turkiye|turquie|turkei|turquia|turchia|turkey
TT TTO trinidad & tobago|trinite-et-tobago|trinite et tobago|trinidad und tobago|trinidad y tobago
TT TTO trinidad e tobago|trinidad
TV TUV tuvalu
TW TWN taiwan|taiwan, province of china|republic of china
TZ TZA tanzania|tanzanie|tansania|united republic of tanzania|tanzania, united republic of
UA UKR ukraine|ucrania|ucraina
UG UGA uganda|ouganda
UM UMI u.s. outlying islands|iles mineures eloignees des etats-unis|iles mineures eloignees des etats unis
UM UMI amerikanische uberseeinseln|islas menores alejadas de ee. uu.|isole minori esterne degli stati uniti
US USA united states|etats-unis|etats unis|vereinigte staaten|estados unidos|stati uniti
US USA united states of america|usa|u.s.a.|u.s.|the united states|america|eeuu|ee.uu.|ee. uu.
US USA estados unidos de america|vereinigte staaten von amerika|stati uniti d'america|etats-unis d'amerique
UY URY uruguay
UZ UZB uzbekistan|ouzbekistan|usbekistan
VA VAT vatican city|etat de la cite du vatican|vatikanstadt|ciudad del vaticano|citta del vaticano|holy see
VA VAT vatican|saint-siege|holy see (vatican city state)
VC VCT st. vincent & grenadines|saint-vincent-et-les grenadines|saint vincent et les grenadines
VC VCT st. vincent und die grenadinen|san vicente y las granadinas|saint vincent e grenadine
VE VEN venezuela|bolivarian republic of venezuela|venezuela, bolivarian republic of
VG VGB british virgin islands|iles vierges britanniques|britische jungferninseln|islas virgenes britanicas
VG VGB isole vergini britanniche
VI VIR u.s. virgin islands|iles vierges des etats-unis|iles vierges des etats unis
VI VIR amerikanische jungferninseln|islas virgenes de ee. uu.|isole vergini americane
VN VNM vietnam|viet nam
VU VUT vanuatu
WF WLF wallis & futuna|wallis-et-futuna|wallis et futuna|wallis und futuna|wallis y futuna|wallis e futuna
WS WSM samoa
XK XKX kosovo
YE YMD yemen|jemen
YT MYT mayotte
ZA ZAF south africa|afrique du sud|sudafrika|sudafrica|rsa
ZM ZMB zambia|zambie|sambia
ZW ZWE zimbabwe|simbabwe|zimbabue
"""


def _index() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _TABLE.strip().splitlines():
        iso2, iso3, names = line.split(" ", 2)
        for key in (iso2.lower(), iso3.lower(), *names.split("|")):
            found.setdefault(key, iso2)
            found.setdefault(key.replace("&", "and"), iso2)
    found["uk"], found["el"] = "GB", "GR"  # not ISO 3166, but what the EU and everybody writes
    return found


_BY_NAME = _index()


@lru_cache(maxsize=4_096)
def country(text: str) -> str | None:
    """ISO2 of a country name or code in any of five languages; unknown -> its folded text; blank -> None."""
    name = fold(text)
    if not name:
        return None
    for key in (name, name.strip(" .").replace("-", " "), _bare(name)):
        if found := _BY_NAME.get(key):
            return found
    return name


def _bare(name: str) -> str:
    words = name.replace(".", "").replace("&", "and").removeprefix("the ")
    return tidy(words.partition("(")[0])
