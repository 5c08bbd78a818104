// The web colours, MQL5's named constants of the type color.
#pragma once

#include "types.hpp"

namespace mql {

namespace host {

constexpr color rgb(int red, int green, int blue) { return red | (green << 8) | (blue << 16); }

}  // namespace host

inline constexpr color clrNONE = -1;
inline constexpr color clrBlack = host::rgb(0, 0, 0);
inline constexpr color clrDarkGreen = host::rgb(0, 100, 0);
inline constexpr color clrDarkSlateGray = host::rgb(47, 79, 79);
inline constexpr color clrOlive = host::rgb(128, 128, 0);
inline constexpr color clrGreen = host::rgb(0, 128, 0);
inline constexpr color clrTeal = host::rgb(0, 128, 128);
inline constexpr color clrNavy = host::rgb(0, 0, 128);
inline constexpr color clrPurple = host::rgb(128, 0, 128);
inline constexpr color clrMaroon = host::rgb(128, 0, 0);
inline constexpr color clrIndigo = host::rgb(75, 0, 130);
inline constexpr color clrMidnightBlue = host::rgb(25, 25, 112);
inline constexpr color clrDarkBlue = host::rgb(0, 0, 139);
inline constexpr color clrDarkOliveGreen = host::rgb(85, 107, 47);
inline constexpr color clrSaddleBrown = host::rgb(139, 69, 19);
inline constexpr color clrForestGreen = host::rgb(34, 139, 34);
inline constexpr color clrOliveDrab = host::rgb(107, 142, 35);
inline constexpr color clrSeaGreen = host::rgb(46, 139, 87);
inline constexpr color clrDarkGoldenrod = host::rgb(184, 134, 11);
inline constexpr color clrDarkSlateBlue = host::rgb(72, 61, 139);
inline constexpr color clrSienna = host::rgb(160, 82, 45);
inline constexpr color clrMediumBlue = host::rgb(0, 0, 205);
inline constexpr color clrBrown = host::rgb(165, 42, 42);
inline constexpr color clrDarkTurquoise = host::rgb(0, 206, 209);
inline constexpr color clrDimGray = host::rgb(105, 105, 105);
inline constexpr color clrLightSeaGreen = host::rgb(32, 178, 170);
inline constexpr color clrDarkViolet = host::rgb(148, 0, 211);
inline constexpr color clrFireBrick = host::rgb(178, 34, 34);
inline constexpr color clrMediumVioletRed = host::rgb(199, 21, 133);
inline constexpr color clrMediumSeaGreen = host::rgb(60, 179, 113);
inline constexpr color clrChocolate = host::rgb(210, 105, 30);
inline constexpr color clrCrimson = host::rgb(220, 20, 60);
inline constexpr color clrSteelBlue = host::rgb(70, 130, 180);
inline constexpr color clrGoldenrod = host::rgb(218, 165, 32);
inline constexpr color clrMediumSpringGreen = host::rgb(0, 250, 154);
inline constexpr color clrLawnGreen = host::rgb(124, 252, 0);
inline constexpr color clrCadetBlue = host::rgb(95, 158, 160);
inline constexpr color clrDarkOrchid = host::rgb(153, 50, 204);
inline constexpr color clrYellowGreen = host::rgb(154, 205, 50);
inline constexpr color clrLimeGreen = host::rgb(50, 205, 50);
inline constexpr color clrOrangeRed = host::rgb(255, 69, 0);
inline constexpr color clrDarkOrange = host::rgb(255, 140, 0);
inline constexpr color clrOrange = host::rgb(255, 165, 0);
inline constexpr color clrGold = host::rgb(255, 215, 0);
inline constexpr color clrYellow = host::rgb(255, 255, 0);
inline constexpr color clrChartreuse = host::rgb(127, 255, 0);
inline constexpr color clrLime = host::rgb(0, 255, 0);
inline constexpr color clrSpringGreen = host::rgb(0, 255, 127);
inline constexpr color clrAqua = host::rgb(0, 255, 255);
inline constexpr color clrDeepSkyBlue = host::rgb(0, 191, 255);
inline constexpr color clrBlue = host::rgb(0, 0, 255);
inline constexpr color clrMagenta = host::rgb(255, 0, 255);
inline constexpr color clrRed = host::rgb(255, 0, 0);
inline constexpr color clrGray = host::rgb(128, 128, 128);
inline constexpr color clrSlateGray = host::rgb(112, 128, 144);
inline constexpr color clrPeru = host::rgb(205, 133, 63);
inline constexpr color clrBlueViolet = host::rgb(138, 43, 226);
inline constexpr color clrLightSlateGray = host::rgb(119, 136, 153);
inline constexpr color clrDeepPink = host::rgb(255, 20, 147);
inline constexpr color clrMediumTurquoise = host::rgb(72, 209, 204);
inline constexpr color clrDodgerBlue = host::rgb(30, 144, 255);
inline constexpr color clrTurquoise = host::rgb(64, 224, 208);
inline constexpr color clrRoyalBlue = host::rgb(65, 105, 225);
inline constexpr color clrSlateBlue = host::rgb(106, 90, 205);
inline constexpr color clrDarkKhaki = host::rgb(189, 183, 107);
inline constexpr color clrIndianRed = host::rgb(205, 92, 92);
inline constexpr color clrMediumOrchid = host::rgb(186, 85, 211);
inline constexpr color clrGreenYellow = host::rgb(173, 255, 47);
inline constexpr color clrMediumAquamarine = host::rgb(102, 205, 170);
inline constexpr color clrDarkSeaGreen = host::rgb(143, 188, 143);
inline constexpr color clrTomato = host::rgb(255, 99, 71);
inline constexpr color clrRosyBrown = host::rgb(188, 143, 143);
inline constexpr color clrOrchid = host::rgb(218, 112, 214);
inline constexpr color clrMediumPurple = host::rgb(147, 112, 219);
inline constexpr color clrPaleVioletRed = host::rgb(219, 112, 147);
inline constexpr color clrCoral = host::rgb(255, 127, 80);
inline constexpr color clrCornflowerBlue = host::rgb(100, 149, 237);
inline constexpr color clrDarkGray = host::rgb(169, 169, 169);
inline constexpr color clrSandyBrown = host::rgb(244, 164, 96);
inline constexpr color clrMediumSlateBlue = host::rgb(123, 104, 238);
inline constexpr color clrTan = host::rgb(210, 180, 140);
inline constexpr color clrDarkSalmon = host::rgb(233, 150, 122);
inline constexpr color clrBurlyWood = host::rgb(222, 184, 135);
inline constexpr color clrHotPink = host::rgb(255, 105, 180);
inline constexpr color clrSalmon = host::rgb(250, 128, 114);
inline constexpr color clrViolet = host::rgb(238, 130, 238);
inline constexpr color clrLightCoral = host::rgb(240, 128, 128);
inline constexpr color clrSkyBlue = host::rgb(135, 206, 235);
inline constexpr color clrLightSalmon = host::rgb(255, 160, 122);
inline constexpr color clrPlum = host::rgb(221, 160, 221);
inline constexpr color clrKhaki = host::rgb(240, 230, 140);
inline constexpr color clrLightGreen = host::rgb(144, 238, 144);
inline constexpr color clrAquamarine = host::rgb(127, 255, 212);
inline constexpr color clrSilver = host::rgb(192, 192, 192);
inline constexpr color clrLightSkyBlue = host::rgb(135, 206, 250);
inline constexpr color clrLightSteelBlue = host::rgb(176, 196, 222);
inline constexpr color clrLightBlue = host::rgb(173, 216, 230);
inline constexpr color clrPaleGreen = host::rgb(152, 251, 152);
inline constexpr color clrThistle = host::rgb(216, 191, 216);
inline constexpr color clrPowderBlue = host::rgb(176, 224, 230);
inline constexpr color clrPaleGoldenrod = host::rgb(238, 232, 170);
inline constexpr color clrPaleTurquoise = host::rgb(175, 238, 238);
inline constexpr color clrLightGray = host::rgb(211, 211, 211);
inline constexpr color clrWheat = host::rgb(245, 222, 179);
inline constexpr color clrNavajoWhite = host::rgb(255, 222, 173);
inline constexpr color clrMoccasin = host::rgb(255, 228, 181);
inline constexpr color clrLightPink = host::rgb(255, 182, 193);
inline constexpr color clrGainsboro = host::rgb(220, 220, 220);
inline constexpr color clrPeachPuff = host::rgb(255, 218, 185);
inline constexpr color clrPink = host::rgb(255, 192, 203);
inline constexpr color clrBisque = host::rgb(255, 228, 196);
inline constexpr color clrLightGoldenrod = host::rgb(250, 250, 210);
inline constexpr color clrBlanchedAlmond = host::rgb(255, 235, 205);
inline constexpr color clrLemonChiffon = host::rgb(255, 250, 205);
inline constexpr color clrBeige = host::rgb(245, 245, 220);
inline constexpr color clrAntiqueWhite = host::rgb(250, 235, 215);
inline constexpr color clrPapayaWhip = host::rgb(255, 239, 213);
inline constexpr color clrCornsilk = host::rgb(255, 248, 220);
inline constexpr color clrLightYellow = host::rgb(255, 255, 224);
inline constexpr color clrLightCyan = host::rgb(224, 255, 255);
inline constexpr color clrLinen = host::rgb(250, 240, 230);
inline constexpr color clrLavender = host::rgb(230, 230, 250);
inline constexpr color clrMistyRose = host::rgb(255, 228, 225);
inline constexpr color clrOldLace = host::rgb(253, 245, 230);
inline constexpr color clrWhiteSmoke = host::rgb(245, 245, 245);
inline constexpr color clrSeashell = host::rgb(255, 245, 238);
inline constexpr color clrIvory = host::rgb(255, 255, 240);
inline constexpr color clrHoneydew = host::rgb(240, 255, 240);
inline constexpr color clrAliceBlue = host::rgb(240, 248, 255);
inline constexpr color clrLavenderBlush = host::rgb(255, 240, 245);
inline constexpr color clrMintCream = host::rgb(245, 255, 250);
inline constexpr color clrSnow = host::rgb(255, 250, 250);
inline constexpr color clrWhite = host::rgb(255, 255, 255);

}  // namespace mql
